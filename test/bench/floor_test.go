package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestFloorAnswersWithItsArgumentsAndEndsWithItsInput(t *testing.T) {
	input, end := io.Pipe()
	line, output := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- serveFloor(t.Context(), nil, input, output) }()
	address := make([]byte, 64)
	n, err := line.Read(address)
	if err != nil {
		t.Fatal(err)
	}
	at := strings.TrimSpace(string(address[:n]))
	c, err := dial(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.until(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		status, body, err := c.do(post(at, "/", "", arguments()))
		if err != nil || status != http.StatusOK || string(body) != string(arguments()) {
			t.Fatalf("got %d %q, %v", status, body, err)
		}
	}
	if err := end.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestBareRunnerCallsTheFunction(t *testing.T) {
	b, err := newBench(t.Context(), options{binary: "/dev/null", dir: t.TempDir()})
	if err != nil {
		t.Skip("no language to measure: ", err)
	}
	for _, l := range b.languages {
		r, err := startRunner(t.Context(), l.interpreter, b.script(l), l.code)
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.first(arguments())
		if text := strings.ReplaceAll(string(got), " ", ""); err != nil || text != string(arguments()) {
			t.Errorf("%s: got %q, %v", l.name, got, err)
		}
		if err := r.close(); err != nil {
			t.Error(err)
		}
	}
}
