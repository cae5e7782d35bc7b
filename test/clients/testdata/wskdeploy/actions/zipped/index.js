exports.main = () => ({ zipped: true, file: require('./lib/part.js') })
