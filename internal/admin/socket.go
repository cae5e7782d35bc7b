package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// ErrNoServer means that no server runs on the data directory.
var ErrNoServer = errors.New("no server runs on this data directory")

// request and answer are what travels over the socket.
type request struct {
	Args []string `json:"args"`
}

type answer struct {
	Stdout string `json:"stdout"`
	Stderr string `json:"stderr"`
	Exit   int    `json:"exit"`
}

// maxSocketPath is the longest path of a Unix socket.
const maxSocketPath = 107

// SocketPath is where the server of a data directory listens for commands.
func SocketPath(dataDir string) string { return filepath.Join(dataDir, "admin.sock") }

// Listen opens the command socket, for its owner alone. The caller owns the
// data directory, so a socket that is there belongs to a dead server.
func Listen(ctx context.Context, dataDir string) (net.Listener, error) {
	path := SocketPath(dataDir)
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("command socket: %s is longer than the kernel allows (%d bytes): choose a shorter data directory", path, maxSocketPath)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("command socket: %w", err)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("command socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("command socket: %w", err), l.Close())
	}
	return l, nil
}

// Handler executes the commands that arrive on the socket. changed is called
// after each, before the answer, so that what is cached of users is dropped.
func Handler(subjects store.Subjects, changed func()) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in request
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, entity.MB)).Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		var stdout, stderr bytes.Buffer
		code := Run(r.Context(), subjects, in.Args, &stdout, &stderr)
		changed()
		w.Header().Set("Content-Type", "application/json")
		// A client that went away has nobody left to tell.
		_ = json.NewEncoder(w).Encode(answer{stdout.String(), stderr.String(), code})
	})
}

// Send has the server of the data directory execute a command, ErrNoServer
// if there is none.
func Send(ctx context.Context, dataDir string, args []string, stdout, stderr io.Writer) (int, error) {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", SocketPath(dataDir))
	}}
	defer transport.CloseIdleConnections()
	body, err := json.Marshal(request{args})
	if err != nil {
		return 0, fmt.Errorf("encode command: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://gowhisk/admin", bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("command socket: %w", err)
	}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return 0, ErrNoServer
	}
	if err != nil {
		return 0, fmt.Errorf("command socket: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("command socket: the server answered %s", resp.Status)
	}
	var out answer
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		return 0, fmt.Errorf("answer of the server: %w", err)
	}
	_, errOut := io.WriteString(stdout, out.Stdout)
	_, errErr := io.WriteString(stderr, out.Stderr)
	return out.Exit, errors.Join(errOut, errErr)
}
