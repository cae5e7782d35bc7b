module.exports = 'included'
