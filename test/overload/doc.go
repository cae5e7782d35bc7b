// Package overload asks more of a live server than it can give, and tells it
// what no honest client says. What it asserts is that the others are served:
// counts, not timings. `go test ./test/overload -seconds 20 -actions
// 1000 -stalled 2000` is the long run.
package overload
