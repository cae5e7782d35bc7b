// Fetches a page and answers with its text.
async function main({ payload }) {
  if (typeof payload !== 'string' || payload === '') return { error: "Expected an argument 'payload' with the URL of a page." }
  const url = payload.includes('://') ? payload : `http://${payload}`
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(30_000) })
    return { status: answer.status, msg: await answer.text() }
  } catch (error) {
    return { error: `${url} cannot be fetched: ${error.cause?.message ?? error.message}` }
  }
}
