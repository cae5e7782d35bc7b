function main (args) {
  return { body: { query: args.__ow_query, body: Buffer.from(args.__ow_body, 'base64').toString() } }
}
