package actionproxy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/gowhisk/gowhisk/internal/protocol"
	"github.com/gowhisk/gowhisk/runtimes"
)

// MaxBody bounds the body of a request, in bytes. OpenWhisk 3.7.5.
const MaxBody = 48 << 20

// maxAnswer bounds an answer over HTTP; the platform cuts at its own, lower limit.
const maxAnswer = 64 << 20

// ServerOptions say what a Server is in front of.
type ServerOptions struct {
	Family runtimes.Family
	// Start starts a fresh launcher whose output goes to Stdout and Stderr.
	Start func() (*Child, error)
	// Build compiles the source directory into bin/exec; what is wrong with the source is a
	// *protocol.Failure. Needed for compiled families only.
	Build func(ctx context.Context, main, source, bin string) error
	// Dir is where code is laid out.
	Dir string
	// Stdout and Stderr get the log sentinels.
	Stdout, Stderr io.Writer
	// Reinit permits a second init, which replaces the action.
	Reinit bool
	// Concurrent lets several runs be in flight, where the family's launcher can.
	Concurrent bool
	// LogInitError sends the reason why an action did not start to the logs instead of the answer.
	LogInitError bool
	Log          *slog.Logger
}

// Server answers POST /init and POST /run as an OpenWhisk action container does (section 3 of the
// behaviour map), in front of one launcher. It is an http.Handler.
type Server struct {
	opts ServerOptions

	initializing sync.Mutex // one init at a time
	inits        int        // guarded by initializing

	mu     sync.Mutex
	child  *Child // guarded by mu; a launcher, warm or initialized
	action bool   // guarded by mu; child is initialized
	died   bool   // guarded by mu; the action's launcher ended during a run
	closed bool   // guarded by mu
}

// NewServer starts the first launcher, so that an init finds it warm.
func NewServer(opts ServerOptions) (*Server, error) {
	s := &Server{opts: opts}
	if _, err := s.launcher(); err != nil {
		return nil, err
	}
	return s, nil
}

// Close ends the launcher and what is in flight.
func (s *Server) Close() error {
	s.mu.Lock()
	child := s.child
	s.child, s.action, s.closed = nil, false, true
	s.mu.Unlock()
	if child == nil {
		return nil
	}
	return child.Stop()
}

// ServeHTTP routes by path; only POST is served.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path != "/init" && r.URL.Path != "/run":
		respond(w, failed(http.StatusNotFound, "The action container serves /init and /run."))
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		respond(w, failed(http.StatusMethodNotAllowed, "The action container accepts POST."))
	case r.URL.Path == "/init":
		respond(w, s.init(w, r))
	default:
		respond(w, s.run(w, r))
	}
}

// respond always announces its length. OpenWhisk 3.1.4.
func respond(w http.ResponseWriter, a Answer) {
	h := w.Header()
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/json")
	}
	h.Set("Content-Length", strconv.Itoa(len(a.Body)))
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body) // the client is gone
}

// read takes the whole body; ok is false when a is the answer already.
func (s *Server) read(w http.ResponseWriter, r *http.Request) (body []byte, a Answer, ok bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, failed(http.StatusRequestEntityTooLarge, fmt.Sprintf("The request is larger than %d bytes.", tooLarge.Limit)), false
	case err != nil:
		return nil, failed(http.StatusBadRequest, protocol.BadBody+err.Error()), false
	}
	return body, Answer{}, true
}

// badJSON is the answer to a body that is no JSON object.
func (s *Server) badJSON(body []byte) Answer {
	if s.isNode() {
		return failed(http.StatusInternalServerError, protocol.BadRequest)
	}
	var object map[string]json.RawMessage
	err := json.Unmarshal(body, &object)
	if err == nil {
		err = errors.New("not an object")
	}
	return failed(http.StatusBadRequest, protocol.BadBody+err.Error())
}

func (s *Server) isNode() bool { return s.opts.Family.Name == "nodejs" }

// launcher returns the one that waits, or starts one.
func (s *Server) launcher() (*Child, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, http.ErrServerClosed
	}
	if s.child != nil && s.child.Err() == nil {
		return s.child, nil
	}
	s.dropLocked()
	child, err := s.opts.Start()
	if err != nil {
		return nil, err
	}
	child.Limit(Limits{Answer: maxAnswer})
	s.child = child
	return child, nil
}

// dropLocked ends the current launcher. The caller holds mu.
func (s *Server) dropLocked() {
	if s.child == nil {
		return
	}
	if err := s.child.Stop(); err != nil {
		s.opts.Log.Warn("stop launcher", "error", err)
	}
	s.child, s.action = nil, false
}

func (s *Server) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropLocked()
}

// sentinels end the log of a run on both streams. OpenWhisk 3.4.1.
func (s *Server) sentinels() {
	for _, w := range []io.Writer{s.opts.Stdout, s.opts.Stderr} {
		if _, err := io.WriteString(w, protocol.LogSentinel+"\n"); err != nil {
			s.opts.Log.Warn("write log sentinel", "error", err)
		}
	}
}

// folder makes Dir/<n>/<name>, a new n for every init, as nothing of a failed one may be left over.
func (s *Server) folder(name string) (string, error) {
	dir := filepath.Join(s.opts.Dir, strconv.Itoa(s.inits), name)
	if err := os.MkdirAll(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("make a folder for the action: %w", err)
	}
	return dir, nil
}
