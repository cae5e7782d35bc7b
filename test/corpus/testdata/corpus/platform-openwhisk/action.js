function main() {
  return {action: process.env.__OW_ACTION_NAME};
}
