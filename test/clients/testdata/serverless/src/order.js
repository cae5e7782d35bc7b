'use strict'
exports.main = args => ({ body: { path: args.__ow_path || null, total: args.total || null } })
