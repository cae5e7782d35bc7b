package pebble

import (
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// Options of Open. The zero value is right for a server.
type Options struct {
	// Logger gets what the store does in the background; nil discards it.
	Logger *slog.Logger

	// Seal encrypts what is secret. nil uses the file secret.key in the
	// directory of the store, which the first Open makes.
	Seal *Seal

	// Reserve is the free space in bytes below which new data is refused; a
	// quarter of it is kept from the records of accepted activations too.
	// 0 is a twentieth of the medium, within 64 MB and 1 GB (a third of a
	// medium that is smaller than that).
	Reserve int64

	// FS is the file system; nil is the operating system's. With another one
	// Seal must be given, and a full disk is not provided against.
	FS vfs.FS
}

// formatMajorVersion is Pebble's own format. The next one writes into each
// chunk of the log how far the log is synced, and refuses to open a log that
// holds less than it says. Soft commits are reported to Pebble as synced, so
// a power cut would leave such logs.
const formatMajorVersion = pebble.FormatColumnarBlocks

// Sizes for a server that shares a laptop: an idle store takes a few MB. A
// memtable grows to its size under load only.
const (
	memTableSize = 4 << 20
	memTables    = 4        // that wait for being flushed before writes wait too
	cacheSize    = 48 << 20 // memtables are part of it
	openFiles    = 500
)

func pebbleOptions(fsys vfs.FS, log logger) *pebble.Options {
	o := &pebble.Options{
		FS:                          fsys,
		Logger:                      log,
		EventListener:               log.listener(),
		FormatMajorVersion:          formatMajorVersion,
		CacheSize:                   cacheSize,
		MaxOpenFiles:                openFiles,
		MemTableSize:                memTableSize,
		MemTableStopWritesThreshold: memTables,
		L0CompactionThreshold:       12,
		L0StopWritesThreshold:       32,
		LBaseMaxBytes:               512 * entity.MB,
		CompactionConcurrencyRange:  func() (lower, upper int) { return 1, 2 },
		FlushDelayDeleteRange:       flushDelay,
	}
	o.Experimental.FileCacheShards = 2
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	return o
}
