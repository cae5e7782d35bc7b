function main(args) {
  return {other: args.__ow_other || null};
}
