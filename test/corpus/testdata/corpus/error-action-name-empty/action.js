function main() {
  return {name: process.env.__OW_ACTION_NAME, namespace: process.env.__OW_NAMESPACE || null};
}
