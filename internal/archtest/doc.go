// Package archtest keeps the import graph shaped like docs/ARCHITECTURE.md:
// layers that only look down, and packages that live in every sandbox image
// on the standard library alone. It holds tests and no code.
package archtest
