package actionproxy

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/gowhisk/gowhisk/internal/protocol"
)

// Shim is the file that says what an unmodified runtime is, which the proxy is put in front of.
type Shim struct {
	// Command is what the image started before; empty for a server that others start.
	Command []string `json:"command,omitempty"`
	Dir     string   `json:"dir,omitempty"`
	// Env is added to the environment of Command.
	Env []string `json:"env,omitempty"`
	// Port is where it listens on the loopback interface; it is told by PORT and FLASK_PROXY_PORT, if
	// it cares for them. 0 is a port for the caller to choose.
	Port int `json:"port,omitempty"`
}

// ReadShim reads the file.
func ReadShim(file string) (Shim, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return Shim{}, fmt.Errorf("read the shim's file: %w", err)
	}
	var s Shim
	if err := json.Unmarshal(text, &s); err != nil {
		return Shim{}, fmt.Errorf("read the shim's file %s: %w", file, err)
	}
	if s.Port < 0 || s.Port > 65535 {
		return Shim{}, fmt.Errorf("read the shim's file %s: there is no port %d", file, s.Port)
	}
	return s, nil
}

// UpstreamOptions say what an Upstream is.
type UpstreamOptions struct {
	Shim
	// Environ is the environment that Env is added to.
	Environ []string
	// Stdout and Stderr get a copy of the output as it comes.
	Stdout, Stderr io.Writer
	// LogLimit bounds the lines of a run, in bytes; 0 means the default.
	LogLimit int
	Log      *slog.Logger
}

// Upstream is a Runtime of another make: a server that speaks OpenWhisk's container contract, which
// it starts, initializes once and ends.
type Upstream struct {
	opts    UpstreamOptions
	address string

	mu      sync.Mutex
	server  *server // guarded by mu; nil until it is started, and after its end
	action  bool    // guarded by mu; it is initialized
	failed  Logs    // guarded by mu; of the last start or init that failed
	closing bool    // guarded by mu
}

// pollInterval is how often a server is asked whether it listens. OpenWhisk 3.1.1.
const pollInterval = 10 * time.Millisecond

// NewUpstream does not start it yet.
func NewUpstream(opts UpstreamOptions) *Upstream {
	return &Upstream{opts: opts, address: net.JoinHostPort("127.0.0.1", strconv.Itoa(opts.Port))}
}

// Start starts the server unless it runs, and waits until it listens.
func (u *Upstream) Start(ctx context.Context) error {
	s, err := u.running()
	if err != nil {
		return err
	}
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", u.address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-tick.C:
		case <-s.exited:
			u.keep(s)
			u.drop(s)
			return fmt.Errorf("the runtime ended before it listened on port %d: %w", u.opts.Port, ErrExited)
		case <-ctx.Done():
			u.keep(s)
			u.drop(s)
			return fmt.Errorf("the runtime does not listen on port %d: %w", u.opts.Port, context.Cause(ctx))
		}
	}
}

// running is the server, started if it must.
func (u *Upstream) running() (*server, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closing {
		return nil, http.ErrServerClosed
	}
	if u.server != nil && !u.server.ended() {
		return u.server, nil
	}
	s, err := startServer(u.opts)
	if err != nil {
		return nil, err
	}
	u.server, u.action = s, false
	return s, nil
}

// Init sends the one POST /init.
func (u *Upstream) Init(ctx context.Context, a *Action) (Answer, error) {
	s, err := u.running()
	if err != nil {
		return Answer{}, err
	}
	in, folder, err := a.init()
	if err != nil {
		return Answer{}, err
	}
	if folder != "" {
		if in.Code, err = zipped(folder); err != nil {
			return Answer{}, err
		}
		in.Binary = true
	}
	if in.Main == "" {
		in.Main = "main"
	}
	body, err := json.Marshal(protocol.InitRequest{Value: in})
	if err != nil {
		return Answer{}, fmt.Errorf("encode the init: %w", err)
	}
	answer, err := u.post(ctx, s, "/init", body)
	if err != nil || answer.Status != http.StatusOK {
		u.keep(s)
		u.drop(s)
		return answer, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.action = u.server == s
	return answer, nil
}

// keep keeps what a server printed that failed.
func (u *Upstream) keep(s *server) {
	if s.cmd == nil {
		return
	}
	logs := s.output.take(0)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.failed = logs
}

// InitLogs is, once, what was printed before the last failure of Start or Init.
func (u *Upstream) InitLogs() Logs {
	u.mu.Lock()
	defer u.mu.Unlock()
	logs := u.failed
	u.failed = Logs{}
	return logs
}

// Run sends POST /run, and waits for the output of the run.
func (u *Upstream) Run(ctx context.Context, _ string, body []byte) (Answer, Logs, error) {
	u.mu.Lock()
	s, action := u.server, u.action
	u.mu.Unlock()
	if s == nil || !action {
		return Answer{}, Logs{}, errNoAction
	}
	answer, err := u.post(ctx, s, "/run", body)
	if err != nil {
		u.drop(s)
		return Answer{}, s.output.take(0), err
	}
	if s.cmd == nil {
		return answer, Logs{}, nil
	}
	return answer, s.output.take(sentinelWait), nil
}

// post exchanges one request. It tells the end of the server and of the time from other faults.
func (u *Upstream) post(ctx context.Context, s *server, path string, body []byte) (Answer, error) {
	answer, err := postOnce(ctx, u.address, path, body)
	switch {
	case err == nil:
		return answer, nil
	case ctx.Err() != nil:
		return Answer{}, fmt.Errorf("POST %s: %w", path, context.Cause(ctx))
	case errors.Is(err, ErrOutOfStep):
		return Answer{}, err
	}
	u.opts.Log.Warn("the runtime broke off", "path", path, "ended", s.ended(), "error", err)
	return Answer{}, fmt.Errorf("POST %s: %w", path, ErrExited)
}

// postOnce sends one request over a connection of its own, as OpenWhisk does (3.1.4): it is never
// sent twice.
func postOnce(ctx context.Context, address, path string, body []byte) (Answer, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return Answer{}, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(aLongTimeAgo) })
	defer stop()
	head := "POST " + path + " HTTP/1.1\r\nHost: " + address + "\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: " +
		strconv.Itoa(len(body)) + "\r\n\r\n"
	parts := net.Buffers{[]byte(head), body}
	_, refused := parts.WriteTo(conn) // it may have answered without reading everything
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return Answer{}, errors.Join(refused, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, MaxAnswer+1))
	if err != nil {
		return Answer{}, err
	}
	if len(text) > MaxAnswer {
		return Answer{}, ErrOutOfStep
	}
	text = bytes.TrimSpace(text)
	return Answer{Status: res.StatusCode, Body: text, Length: len(text)}, nil
}

// Err is nil while the action can take a run.
func (u *Upstream) Err() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case !u.action || u.server == nil:
		return errNoAction
	case u.server.ended():
		return ErrExited
	}
	return nil
}

// drop ends the server unless another one has taken its place.
func (u *Upstream) drop(s *server) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.server == s {
		u.server, u.action = nil, false
		s.kill()
	}
}

// Reset ends the server.
func (u *Upstream) Reset() {
	u.mu.Lock()
	s := u.server
	u.mu.Unlock()
	if s != nil {
		u.drop(s)
	}
}

// Signal passes a signal on.
func (u *Upstream) Signal(sig os.Signal) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.server != nil {
		u.server.signal(sig)
	}
}

// Close asks the server to end, and ends it when it does not.
func (u *Upstream) Close() error {
	u.mu.Lock()
	s := u.server
	u.server, u.action, u.closing = nil, false, true
	u.mu.Unlock()
	if s == nil {
		return nil
	}
	err := s.end()
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}
