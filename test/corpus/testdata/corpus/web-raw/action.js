function main(args) {
  const {__ow_headers, ...rest} = args;
  return {body: {...rest, type: __ow_headers['content-type'] || null}};
}
