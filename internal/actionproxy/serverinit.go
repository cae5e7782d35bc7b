package actionproxy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"

	"github.com/gowhisk/gowhisk/internal/protocol"
	"github.com/gowhisk/gowhisk/runtimes"
)

// init answers POST /init. Its failure leaves the container ready for a better one.
func (s *Server) init(w http.ResponseWriter, r *http.Request) Answer {
	s.initializing.Lock()
	defer s.initializing.Unlock()
	if child, died := s.state(); child != nil || died {
		if !s.opts.Reinit {
			fmt.Fprintln(s.opts.Stdout, protocol.AlreadyInitialized)
			return failed(http.StatusForbidden, protocol.AlreadyInitialized)
		}
		s.Reset()
	}
	body, a, ok := readBody(w, r)
	if !ok {
		return a
	}
	var req struct {
		Value *Action `json:"value"`
	}
	if err := json.Unmarshal(body, &req); err != nil {
		return s.badJSON(body)
	}
	if req.Value == nil {
		if s.opts.Family.StubCode {
			return failed(http.StatusNotFound, protocol.NoArguments)
		}
		req.Value = &Action{}
	}
	return s.initialize(context.WithoutCancel(r.Context()), w, s.baked(req.Value))
}

// baked is the action of the image, with the environment that the platform sends, where the request
// has no code.
func (s *Server) baked(a *Action) *Action {
	if s.opts.Action == nil || a.Code != "" {
		return a
	}
	own := *s.opts.Action
	own.Env = maps.Clone(own.Env)
	if own.Env == nil {
		own.Env = protocol.Env{}
	}
	maps.Copy(own.Env, a.Env)
	return &own
}

func (s *Server) initialize(ctx context.Context, w http.ResponseWriter, a *Action) Answer {
	answer, err := s.Init(ctx, a)
	if err != nil {
		return s.initFailed(err)
	}
	if answer.Status != http.StatusOK {
		if s.opts.Family.Mode != runtimes.ActionLoop || s.opts.LogInitError {
			s.sentinels()
		}
		return answer
	}
	return s.initSucceeded(w, answer)
}

// initSucceeded answers what the runtime of the family is known for. OpenWhisk 3.6.4, 3.7.1, 3.8.5.
func (s *Server) initSucceeded(w http.ResponseWriter, a Answer) Answer {
	switch s.opts.Family.Name {
	case "nodejs":
		a.Body = []byte(`{"OK":true}`)
	case "blackbox":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		a.Body = []byte("OK")
	default:
		a.Body = []byte(`{"ok":true}`)
	}
	return a
}

// initFailed answers for an init that the launcher did not answer.
func (s *Server) initFailed(err error) Answer {
	var failure *protocol.Failure
	reason, answer := "", initFailure(err, s.isNode())
	switch {
	case errors.As(err, &failure):
		if failure.Status != http.StatusBadGateway {
			return answer
		}
		reason = failure.Message
	case !errors.Is(err, ErrExited):
		s.opts.Log.Error("initialize the action", "error", err)
		return answer
	case s.isNode():
		s.sentinels()
		return answer
	default:
		reason = protocol.ExitedDuringInit
	}
	if !s.opts.LogInitError {
		return answer
	}
	fmt.Fprintln(s.opts.Stderr, reason)
	s.sentinels()
	if failure != nil {
		return failed(failure.Status, protocol.NoBinary)
	}
	return failed(http.StatusBadGateway, protocol.CannotStart)
}
