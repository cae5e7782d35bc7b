function main({name}) {
  return {body: `<h1>Hello, ${name}</h1>`};
}
