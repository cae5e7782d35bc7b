package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
)

// What is built, and how fast that shall be.
const (
	actionBytes  = 10 << 10
	manyImages   = 50
	quickImages  = 15
	mostImageMS  = 100 // goal: from the command to the image in the registry
	runtimeImage = "/runtime/nodejs:20"
)

// image builds actions on a runtime image that is cached, each with another code, and pushes them to
// a registry of this process. It measures the whole command, the start of its process included.
func (b *bench) image(ctx context.Context) (rows []row, err error) {
	dir, err := os.MkdirTemp(b.opt.dir, "image-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	var uploaded atomic.Int64
	host, stop, err := serveRegistry(ctx, &uploaded)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if err := b.gowhisk(ctx, dir, "build", "runtime", "--kind", "nodejs:20", "--base", "scratch", "--push", host+runtimeImage); err != nil {
		return nil, err
	}
	n := b.scale(manyImages, quickImages)
	took := make([]time.Duration, n)
	var before int64
	begin := time.Now()
	for i := range n + 1 { // the first one fills the cache
		file := filepath.Join(dir, fmt.Sprintf("action%d.js", i))
		if err := os.WriteFile(file, sourceOf(actionBytes), 0o600); err != nil {
			return nil, err
		}
		from := time.Now()
		if err := b.gowhisk(ctx, dir, "build", file, "--base", host+runtimeImage, "--push", host+"/actions/bench:1"); err != nil {
			return nil, err
		}
		if i == 0 {
			before, begin = uploaded.Load(), time.Now()
			continue
		}
		took[i-1] = time.Since(from)
	}
	r := series{sampleOf(took, time.Since(begin))}.row("image: stage two of a 10 kB action, pushed")
	r.Bytes = (uploaded.Load() - before) / int64(n)
	r.Goal = atMost(milliseconds(r.P50), mostImageMS, "ms p50")
	r.Note = fmt.Sprintf("%d bytes uploaded for each", r.Bytes)
	return []row{r}, nil
}

// gowhisk runs one command with the cache in dir.
func (b *bench) gowhisk(ctx context.Context, dir string, args ...string) error {
	cmd := exec.CommandContext(ctx, b.opt.binary, append(args, "--cache", filepath.Join(dir, "cache"), "--quiet")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("gowhisk %s: %w: %s", args[0], err, bytes.TrimSpace(out))
	}
	return nil
}

// sourceOf is an action of that many bytes, which do not compress well.
func sourceOf(size int) []byte {
	text := []byte("function main(args) { return args }\n//")
	for len(text) < size {
		text = append(text, byte('!'+rand.IntN(90)))
	}
	return text
}

// serveRegistry serves an empty registry on the loopback interface, and counts what is sent to it.
func serveRegistry(ctx context.Context, uploaded *atomic.Int64) (host string, stop func() error, err error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	images := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = counted{r.Body, uploaded}
		images.ServeHTTP(w, r)
	})}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	return listener.Addr().String(), func() error {
		err := server.Close()
		if served := <-done; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return err
	}, nil
}

// counted adds what is read of a body.
type counted struct {
	io.ReadCloser
	sum *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.sum.Add(int64(n))
	return n, err
}
