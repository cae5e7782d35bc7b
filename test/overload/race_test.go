//go:build race

package overload

// raceEnabled is true where memory is several times what it would be.
const raceEnabled = true
