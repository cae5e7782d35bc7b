package local

// ZipOf is shared with the tests of the exported surface.
var ZipOf = zipOf
