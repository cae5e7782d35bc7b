function main({__ow_method}) {
  return {
    headers: {'Access-Control-Allow-Methods': 'OPTIONS, GET', 'Access-Control-Allow-Origin': 'corpus.example'},
    statusCode: __ow_method === 'options' ? 200 : 202,
  };
}
