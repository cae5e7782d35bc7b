package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// server is a gowhisk under test.
type server struct {
	*child
	url           string
	address       string // of url
	authorization string // of guest
	http          *http.Client
}

// startServer starts gowhisk on the data directory dir with flags beside the
// limits that make it accept everything.
func (b *bench) startServer(ctx context.Context, dir string, flags ...string) (*server, error) {
	args := append([]string{
		"serve", "--json", "--log-level=warn", "--listen=127.0.0.1:0", "--data-dir=" + dir,
		"--invocations-per-minute=999999999", "--concurrent-invocations=10000",
		"--fires-per-minute=999999999", "--drain=1s",
	}, flags...)
	log, err := os.Create(dir + ".log")
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the process has its own
	cmd := exec.CommandContext(ctx, b.opt.binary, args...)
	cmd.Stderr = log
	c, err := startChild(ctx, cmd)
	if err != nil {
		said, readErr := os.ReadFile(log.Name())
		return nil, errors.Join(err, readErr, errors.New(strings.TrimSpace(string(said))))
	}
	var ready struct {
		URL  string `json:"url"`
		Auth string `json:"auth"`
	}
	if err := json.Unmarshal([]byte(c.line), &ready); err != nil {
		return nil, errors.Join(fmt.Errorf("start-up message %q: %w", c.line, err), c.stop())
	}
	return &server{
		child: c, url: ready.URL, address: strings.TrimPrefix(ready.URL, "http://"),
		authorization: "Basic " + base64.StdEncoding.EncodeToString([]byte(ready.Auth)),
		http:          &http.Client{Transport: &http.Transport{}},
	}, nil
}

// startFreshServer starts gowhisk on an empty data directory.
func (b *bench) startFreshServer(ctx context.Context, flags ...string) (*server, error) {
	parent, err := b.folder()
	if err != nil {
		return nil, err
	}
	return b.startServer(ctx, filepath.Join(parent, "data"), flags...)
}

func (s *server) stop() error {
	s.http.CloseIdleConnections()
	return s.child.stop()
}

// stopping stops s at the end of a measurement, keeping an earlier error.
func (s *server) stopping(err *error) { *err = errors.Join(*err, s.stop()) }

// create makes an action of guest that returns its arguments.
func (s *server) create(ctx context.Context, name string, l language) error {
	body, err := json.Marshal(map[string]any{
		"exec":   map[string]any{"kind": l.kind, "code": l.code},
		"limits": map[string]any{"memory": 128, "timeout": 60000},
	})
	if err != nil {
		return err
	}
	_, err = s.request(ctx, http.MethodPut, "/api/v1/namespaces/_/actions/"+name, body)
	return err
}

// arguments are what every function is called with: 16 bytes.
func arguments() []byte { return []byte(`{"name":"World"}`) }

// invocation makes the bytes of a blocking invocation.
func (s *server) invocation(action string) []byte {
	return post(s.address, "/api/v1/namespaces/_/actions/"+action+"?blocking=true", s.authorization, arguments())
}

// contender is s with requests for the one action.
func (s *server) contender(name, action string) contender {
	request := s.invocation(action)
	return contender{
		name: name, address: s.address, pid: s.pid(),
		request: func(int, int) []byte { return request }, expect: []byte("World"),
	}
}
