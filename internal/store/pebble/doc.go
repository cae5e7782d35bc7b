// Package pebble keeps all that the platform stores in one directory of the
// local file system: github.com/cockroachdb/pebble underneath, own keys for
// every list order, and one goroutine that writes everything that waits in
// one batch. One DB serves the four ports of package store.
//
// A directory holds:
//
//	FORMAT      version of this layout and the mark of the key
//	LOCK        held while a process uses the directory
//	secret.key  the key of what is encrypted, unless it is kept elsewhere
//	reserve     space that is given up when the disk is full
//	db/         Pebble's own files
//
// What a policy decides (when to prune, what to encrypt besides subjects and
// queued activations) is left to the callers.
package pebble
