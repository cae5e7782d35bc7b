function main({own}) {
  return {headers: own ? {'Access-Control-Allow-Origin': 'https://a.example'} : {}, body: 'x'};
}
