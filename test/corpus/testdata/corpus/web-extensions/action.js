function main() {
  return {body: '<b>corpus</b>', html: '<i>not this</i>', text: 'nor this'};
}
