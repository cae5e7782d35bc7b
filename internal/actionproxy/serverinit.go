package actionproxy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/gowhisk/gowhisk/internal/protocol"
	"github.com/gowhisk/gowhisk/runtimes"
)

// init answers POST /init. Its failure leaves the container ready for a better one.
func (s *Server) init(w http.ResponseWriter, r *http.Request) Answer {
	s.initializing.Lock()
	defer s.initializing.Unlock()
	if s.initialized() {
		if !s.opts.Reinit {
			fmt.Fprintln(s.opts.Stdout, protocol.AlreadyInitialized)
			return failed(http.StatusForbidden, protocol.AlreadyInitialized)
		}
		s.drop()
	}
	body, a, ok := s.read(w, r)
	if !ok {
		return a
	}
	var req struct {
		Value *protocol.Init `json:"value"`
	}
	if err := json.Unmarshal(body, &req); err != nil {
		return s.badJSON(body)
	}
	if req.Value == nil {
		if s.opts.Family.StubCode {
			return failed(http.StatusNotFound, protocol.NoArguments)
		}
		req.Value = &protocol.Init{}
	}
	answer, err := s.initialize(context.WithoutCancel(r.Context()), *req.Value)
	if err != nil {
		return s.initFailed(err)
	}
	if answer.Status != http.StatusOK {
		s.drop() // it may have loaded a part of the action
		if s.opts.Family.Mode != runtimes.ActionLoop || s.opts.LogInitError {
			s.sentinels()
		}
		return answer
	}
	s.mu.Lock()
	s.action, s.died = true, false
	s.mu.Unlock()
	return s.initSucceeded(w, answer)
}

func (s *Server) initialized() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.action || s.died
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

// initialize lays the code out, compiles it where that is needed and hands it to the launcher.
func (s *Server) initialize(ctx context.Context, in protocol.Init) (Answer, error) {
	s.inits++
	dir, err := s.folder("src")
	if err != nil {
		return Answer{}, err
	}
	prepared, err := Prepare(in, s.opts.Family, dir, ArchiveLimits{})
	if err != nil {
		return Answer{}, err
	}
	if prepared.Source != "" {
		bin, err := s.folder("bin")
		if err != nil {
			return Answer{}, err
		}
		if err := s.opts.Build(ctx, prepared.Init.Main, prepared.Source, bin); err != nil {
			return Answer{}, err
		}
		prepared.Acknowledged(bin)
	}
	if s.opts.Concurrent && s.opts.Family.Concurrent {
		prepared.setEnv(protocol.EnvAllowConcurrent, "true")
	} else {
		delete(prepared.Init.Env, protocol.EnvAllowConcurrent)
	}
	child, err := s.launcher()
	if err != nil {
		return Answer{}, err
	}
	return child.Init(ctx, &prepared.Init)
}

// initFailed answers for an init that the launcher did not answer.
func (s *Server) initFailed(err error) Answer {
	var failure *protocol.Failure
	if errors.As(err, &failure) {
		if s.opts.LogInitError && failure.Status == http.StatusBadGateway {
			fmt.Fprintln(s.opts.Stderr, failure.Message)
			s.sentinels()
			return failed(failure.Status, protocol.NoBinary)
		}
		return failed(failure.Status, failure.Message)
	}
	s.drop()
	if !errors.Is(err, ErrExited) {
		s.opts.Log.Error("initialize the action", "error", err)
		return failed(http.StatusBadGateway, protocol.CannotStartBecause+err.Error())
	}
	if s.isNode() {
		s.sentinels()
		return failed(http.StatusBadGateway, "The action did not initialize and exited unexpectedly.")
	}
	if s.opts.LogInitError {
		fmt.Fprintln(s.opts.Stderr, protocol.ExitedDuringInit)
		s.sentinels()
		return failed(http.StatusBadGateway, protocol.CannotStart)
	}
	return failed(http.StatusBadGateway, protocol.CannotStartBecause+protocol.ExitedDuringInit)
}
