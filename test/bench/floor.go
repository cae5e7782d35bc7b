package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
)

// floorCommand as first argument makes this program a floor: an HTTP server
// that prints its address and ends when its standard input does.
//
//	bench floor                              the JSON itself is the answer
//	bench floor N INTERPRETER SCRIPT CODE    N interpreters answer
const floorCommand = "floor"

func serveFloor(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	handler := http.HandlerFunc(answerJSON)
	switch {
	case len(args) == 4 && args[0] == hopCommand:
		var err error
		if handler, err = startHop(ctx, args[1], args[2], args[3]); err != nil {
			return err
		}
	case len(args) == 4:
		n, err := strconv.Atoi(args[0])
		if err != nil {
			return fmt.Errorf("number of interpreters: %w", err)
		}
		idle, err := startRunners(ctx, n, args[1], args[2], args[3])
		if err != nil {
			return err
		}
		handler = answerByRunner(idle)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(stdout, l.Addr()); err != nil {
		return err
	}
	s := &http.Server{Handler: handler}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	_, err = io.Copy(io.Discard, stdin)
	err = errors.Join(err, s.Close())
	if e := <-served; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}

// startRunners starts n interpreters that have loaded the code. They wait in
// a channel of which everybody takes one and puts it back.
func startRunners(ctx context.Context, n int, interpreter, script, code string) (chan *runner, error) {
	idle := make(chan *runner, n)
	for range n {
		r, err := startRunner(ctx, interpreter, script, code)
		if err != nil {
			return nil, err
		}
		if err := r.ready(); err != nil {
			return nil, err
		}
		idle <- r
	}
	return idle, nil
}

// maxArguments bounds a body, in bytes.
const maxArguments = 1 << 20

// answerJSON is HTTP with JSON in and out, and nothing between.
func answerJSON(w http.ResponseWriter, r *http.Request) {
	var arguments map[string]json.RawMessage
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxArguments)).Decode(&arguments)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	text, err := json.Marshal(arguments)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, text)
}

// answerByRunner hands the body to an idle interpreter, as it is.
func answerByRunner(idle chan *runner) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxArguments))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		runner := <-idle
		defer func() { idle <- runner }()
		result, err := runner.call(body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		answer(w, result)
	}
}

func answer(w http.ResponseWriter, text []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	_, _ = w.Write(text) // a client that left is none of our business
}
