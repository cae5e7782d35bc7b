function main ({ a, b }) {
  return { n: (a || 0) + (b || 0) }
}
