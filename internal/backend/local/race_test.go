//go:build race

package local_test

// raceEnabled is true where memory is several times what it would be.
const raceEnabled = true
