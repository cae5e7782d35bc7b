package invoke

// Merge is merge, for its table.
var Merge = merge
