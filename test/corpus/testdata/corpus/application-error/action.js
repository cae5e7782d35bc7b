function main({n}) {
  return n < 0 ? {error: 'n is negative'} : {n};
}
