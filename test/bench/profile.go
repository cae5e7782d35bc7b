package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/errgroup"
)

// profilerFlags are the server's flags for the profile that was asked for,
// and where the profiler will listen; nothing if none was.
func (b *bench) profilerFlags(ctx context.Context) (flags []string, address string, err error) {
	if b.opt.profile == "" {
		return nil, "", nil
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	address = l.Addr().String()
	return []string{"--pprof=" + address}, address, l.Close()
}

// profileServer writes a CPU profile of the server under load at full
// concurrency, apart from the rounds that are reported, because profiling costs.
func (b *bench) profileServer(ctx context.Context, address string, c contender) error {
	if address == "" {
		return nil
	}
	seconds := b.scale(10, 3)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		_, err := c.load(ctx, maxConcurrency, time.Duration(seconds)*time.Second+time.Second)
		return err
	})
	g.Go(func() error {
		return download(ctx, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", address, seconds), b.opt.profile)
	})
	if err := g.Wait(); err != nil {
		return fmt.Errorf("profile the server: %w", err)
	}
	return nil
}

// download writes what a URL answers to a file.
func download(ctx context.Context, url, file string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }() // read to its end, or of no use
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %.200s", url, answer.Status, data)
	}
	return os.WriteFile(file, data, 0o644)
}
