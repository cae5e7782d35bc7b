package actionproxy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync"

	"github.com/gowhisk/gowhisk/internal/protocol"
	"github.com/gowhisk/gowhisk/runtimes"
)

// MaxBody bounds the body of a request, in bytes. OpenWhisk 3.7.5.
const MaxBody = 48 << 20

// MaxAnswer bounds an answer over HTTP; the platform cuts at its own, lower limit.
const MaxAnswer = 64 << 20

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
	// Action is baked in: what an init without code means. Nil if there is none.
	Action *Action
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
	*Supervisor
	opts         ServerOptions
	initializing sync.Mutex // one init at a time
}

// NewServer starts the first launcher, so that an init finds it warm.
func NewServer(opts ServerOptions) (*Server, error) {
	supervisor, err := NewSupervisor(SupervisorOptions{Family: opts.Family, Start: opts.Start, Build: opts.Build,
		Dir: opts.Dir, Concurrent: opts.Concurrent, Limits: Limits{Answer: MaxAnswer}, Log: opts.Log})
	if err != nil {
		return nil, err
	}
	return &Server{Supervisor: supervisor, opts: opts}, nil
}

// Drain does nothing: the contract has no way to say so.
func (s *Server) Drain() {}

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
	send(w, a.Status, a.Body)
}

// send announces the length where the status has a body.
func send(w http.ResponseWriter, status int, body []byte) {
	if status != http.StatusNoContent && status != http.StatusNotModified {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client is gone, or asked for no body
}

// readBody takes the whole body; ok is false when a is the answer already.
func readBody(w http.ResponseWriter, r *http.Request) (body []byte, a Answer, ok bool) {
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

// sentinels end the log of a run on both streams. OpenWhisk 3.4.1.
func (s *Server) sentinels() {
	for _, w := range []io.Writer{s.opts.Stdout, s.opts.Stderr} {
		if _, err := io.WriteString(w, protocol.LogSentinel+"\n"); err != nil {
			s.opts.Log.Warn("write log sentinel", "error", err)
		}
	}
}
