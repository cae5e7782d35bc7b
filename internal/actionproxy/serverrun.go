package actionproxy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/gowhisk/gowhisk/internal/protocol"
)

// run answers POST /run. The run goes on when the client leaves, as its result can not be undone;
// a later one waits for its turn.
func (s *Server) run(w http.ResponseWriter, r *http.Request) Answer {
	body, a, ok := s.read(w, r)
	if !ok {
		return a
	}
	body = bytes.TrimSpace(body)
	if len(body) == 0 || body[0] != '{' || !json.Valid(body) {
		return s.badJSON(body)
	}
	child, a, ok := s.ready()
	if !ok {
		return a
	}
	defer s.sentinels()
	if s.opts.Family.StubCode && child == nil {
		return failed(http.StatusOK, protocol.StubAction)
	}
	if child.Err() != nil {
		return s.runFailed(child.Err(), http.StatusInternalServerError)
	}
	answer, err := child.Forward(context.WithoutCancel(r.Context()), activationID(child, body), body)
	if err != nil {
		return s.runFailed(err, http.StatusBadRequest)
	}
	if answer.Truncated {
		return s.runFailed(ErrOutOfStep, 0)
	}
	return answer
}

// activationID is needed only where several runs are in flight.
func activationID(child *Child, body []byte) string {
	if !child.Concurrent() {
		return ""
	}
	var req struct {
		ActivationID string `json:"activation_id"`
	}
	if err := json.Unmarshal(body, &req); err != nil {
		return "" // an id of another type names nothing
	}
	return req.ActivationID
}

// ready returns the initialized launcher, or the answer that there is none. The skeleton runs its
// stub without an init: then there is no launcher and no answer.
func (s *Server) ready() (child *Child, a Answer, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.action:
		return s.child, Answer{}, true
	case s.died && s.isNode():
		return nil, failed(http.StatusForbidden, "System not ready, status is stopped."), false
	case s.isNode():
		return nil, failed(http.StatusForbidden, protocol.NodeNotInitialized), false
	case s.opts.Family.StubCode && !s.died:
		return nil, Answer{}, true
	}
	return nil, failed(http.StatusInternalServerError, protocol.NotInitialized), false
}

// runFailed answers for a launcher that did not, and is of no use any more; exited is the status
// when it has exited. OpenWhisk 3.6.6, 3.8.6.
func (s *Server) runFailed(err error, exited int) Answer {
	s.mu.Lock()
	s.dropLocked()
	s.died = true
	s.mu.Unlock()
	switch {
	case errors.Is(err, ErrOutOfStep):
		return failed(http.StatusBadGateway, protocol.NoDictionaryOrArray)
	case !errors.Is(err, ErrExited):
		return failed(http.StatusBadGateway, protocol.CommandExited+": "+err.Error())
	case s.isNode():
		return failed(http.StatusBadGateway, "The action did not produce a valid response and exited unexpectedly.")
	}
	return failed(exited, protocol.CommandExited)
}
