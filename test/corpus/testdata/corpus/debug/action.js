function main(args) {
  console.log('called');
  return args.fail ? {error: 'told to'} : {debug: process.env.OW_RUNTIME_DEBUG, args};
}
