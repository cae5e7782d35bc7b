function main({a, b}) {
  return {statusCode: 200, headers: {'Content-Type': 'application/json'}, body: {a, b: b || null}};
}
