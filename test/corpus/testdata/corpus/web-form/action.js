function main(args) {
  return Object.fromEntries(Object.entries(args).filter(([k]) => !k.startsWith('__ow_')).sort());
}
