function main ({ name }) {
  return { statusCode: 201, headers: { 'Content-Type': 'text/html' }, body: `<p>${name}</p>` }
}
