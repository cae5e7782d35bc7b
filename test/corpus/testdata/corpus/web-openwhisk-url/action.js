function main({__ow_path, __ow_method, a}) {
  return {headers: {'Content-Type': 'text/plain'}, body: [__ow_method, __ow_path, a].join(' ')};
}
