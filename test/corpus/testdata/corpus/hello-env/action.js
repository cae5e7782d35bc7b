const {NAME, PLACE} = process.env;
function main() {
  return {greeting: `${NAME} of ${PLACE}`};
}
