// Package crash breaks a live server and its disk: it kills the server under
// load, lets syncs fail, fills the disk, stops it in the middle of its work,
// and asks afterwards for everything that was promised. `go test ./test/crash
// -rounds 200 -syncs 50 -queued 8000` is the long run.
package crash
