// Posts a message through a Slack webhook, or with a token through a method
// of Slack's API, which the url names.
async function main({ url, text, channel, username, token, as_user, icon_emoji, icon_url, attachments, blocks }) {
  if (!url) return { error: "Expected an argument 'url' with the address of the webhook." }
  if (!text && !attachments && !blocks) return { error: "Expected an argument 'text' with the message." }
  const message = { text, channel, username, as_user, icon_emoji, icon_url, attachments, blocks }
  const headers = { 'content-type': 'application/json; charset=utf-8' }
  if (token) headers.authorization = `Bearer ${token}`
  let answer, body
  try {
    answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(message), signal: AbortSignal.timeout(30_000) })
    body = await answer.text()
  } catch (error) {
    return { error: `Slack cannot be reached: ${error.cause?.message ?? error.message}` }
  }
  if (!answer.ok) return { error: `Slack answered ${answer.status}: ${body}` }
  if (token && JSON.parse(body).ok !== true) return { error: `Slack refused: ${JSON.parse(body).error}` }
  return {}
}
