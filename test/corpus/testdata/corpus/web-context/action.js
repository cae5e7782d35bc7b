function main({__ow_method, __ow_headers, __ow_path, __ow_body, __ow_query, ...args}) {
  const {'x-corpus': custom, 'content-type': type} = __ow_headers;
  return {body: {method: __ow_method, path: __ow_path, body: __ow_body, query: __ow_query, custom, type, args}};
}
