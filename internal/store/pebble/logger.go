package pebble

import (
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
)

// logger passes Pebble's own talk to slog. Pebble calls Fatalf where it
// cannot go on: that must stop the store, not the process.
type logger struct {
	*slog.Logger
	fail func(error)
}

func (l logger) Infof(format string, args ...any) {
	l.Debug("pebble", "text", fmt.Sprintf(format, args...))
}

func (l logger) Errorf(format string, args ...any) {
	l.Warn("pebble", "text", fmt.Sprintf(format, args...))
}

// Fatalf returns, unlike Pebble's default: every caller of it in Pebble gives
// the error back, and no caller of the store is told of success after it.
func (l logger) Fatalf(format string, args ...any) {
	for _, arg := range args {
		if err, ok := arg.(error); ok { // format loses the chain
			l.fail(fmt.Errorf("pebble: %w", err))
			return
		}
	}
	l.fail(fmt.Errorf(format, args...))
}

// listener keeps corruption found while reading from being fatal: the read
// that hits it reports it.
func (l logger) listener() *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: func(err error) { l.Warn("store works on with an error in the background", "error", err) },
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			l.Error("stored data is corrupted", "file", info.Path, "error", info.Details)
		},
	}
}
