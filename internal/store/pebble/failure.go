package pebble

import (
	"log/slog"
	"sync"
	"sync/atomic"
)

// failure remembers the first reason why the store must not go on.
type failure struct {
	log  *slog.Logger
	once sync.Once
	err  atomic.Pointer[error]
	done chan struct{}
}

func (f *failure) init(log *slog.Logger) {
	f.log, f.done = log, make(chan struct{})
}

func (f *failure) set(cause error) {
	f.once.Do(func() {
		err := stopped(cause)
		f.err.Store(&err)
		close(f.done)
		f.log.Error("the store has stopped: nothing is acknowledged any more", "error", cause)
	})
}

func (f *failure) get() error {
	if err := f.err.Load(); err != nil {
		return *err
	}
	return nil
}
