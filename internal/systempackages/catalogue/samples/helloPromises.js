// Answers later: an action may return a promise.
async function main({ name = 'stranger', place = 'somewhere' }) {
  await new Promise(resolve => setTimeout(resolve, 10))
  return { lines: ['Hello,', name, 'from', `${place}!`] }
}
