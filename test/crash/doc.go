// Package crash kills a live server again and again under load and asks for
// every activation that it had acknowledged. `go test ./test/crash -rounds 20`
// is the long run.
package crash
