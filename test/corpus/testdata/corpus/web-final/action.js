function main({fixed, open}) {
  return {fixed, open};
}
