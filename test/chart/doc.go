// Package chart tests charts/gowhisk with the library of helm, in a module of
// its own: helm stays out of the product's graph. `make bin/helm` builds the
// command from it.
package chart
