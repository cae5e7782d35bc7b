function main() {
  return {statusCode: 302, headers: {location: 'https://openwhisk.apache.org/'}};
}
