package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Bounds of every connection. OpenWhisk 1.2.1: idle 70 s, and no answer
// takes longer than about a minute.
const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 70 * time.Second
	writeTimeout      = 3 * time.Minute
	maxHeaderBytes    = 64 << 10
)

// endpoints are HTTP servers that stop together. The zero value with a
// logger is useful.
type endpoints struct {
	log     *slog.Logger
	servers []*http.Server
	serving sync.WaitGroup
	once    sync.Once
	failed  chan error // the first failure of any server, one at most
}

func newEndpoints(log *slog.Logger) *endpoints {
	return &endpoints{log: log, failed: make(chan error, 1)}
}

// serve answers connections of l with h until shutdown.
func (e *endpoints) serve(name string, l net.Listener, h http.Handler) {
	s := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		WriteTimeout:      writeTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(e.log.With("listener", name).Handler(), slog.LevelDebug),
	}
	e.servers = append(e.servers, s)
	e.serving.Go(func() {
		if err := s.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			e.once.Do(func() { e.failed <- fmt.Errorf("serve %s: %w", name, err) })
		}
	})
}

// shutdown stops accepting, waits for requests in flight until ctx ends and
// cuts the rest.
func (e *endpoints) shutdown(ctx context.Context) error {
	errs := make([]error, len(e.servers))
	var stopping sync.WaitGroup
	for i, s := range e.servers {
		stopping.Go(func() {
			if err := s.Shutdown(ctx); err != nil {
				errs[i] = errors.Join(fmt.Errorf("drain connections: %w", err), s.Close())
			}
		})
	}
	stopping.Wait()
	e.serving.Wait()
	return errors.Join(errs...)
}
