'use strict'
exports.main = args => args
