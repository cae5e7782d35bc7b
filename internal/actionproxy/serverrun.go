package actionproxy

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/gowhisk/gowhisk/internal/protocol"
)

// late is how long after its deadline a run is ended. The platform answers for it at the deadline;
// this only keeps what never ends from occupying the container.
const late = time.Second

// run answers POST /run. The run goes on when the client leaves, as its result can not be undone;
// a later one waits for its turn.
func (s *Server) run(w http.ResponseWriter, r *http.Request) Answer {
	body, a, ok := readBody(w, r)
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
	if err := child.Err(); err != nil {
		s.drop(child, true)
		return runFailure(err, http.StatusInternalServerError, s.isNode())
	}
	id, deadline := "", deadlineOf(body)
	if child.Concurrent() {
		id = activationID(body)
	}
	ctx := context.WithoutCancel(r.Context())
	if deadline.After(time.Now()) { // one that has passed already is of another clock
		bounded, cancel := context.WithDeadlineCause(ctx, deadline.Add(late), ErrDeadline)
		defer cancel()
		ctx = bounded
	}
	answer, _, err := s.Run(ctx, id, body)
	if err != nil {
		return runFailure(err, http.StatusBadRequest, s.isNode())
	}
	return answer
}

// deadlineOf reads the deadline of a valid body of POST /run; the zero time if it has none.
func deadlineOf(body []byte) time.Time {
	ms, err := strconv.ParseInt(stringOf(member(body, "deadline")), 10, 64)
	if err != nil {
		return time.Time{} // members of other types are the action's to judge
	}
	return time.UnixMilli(ms)
}

// ready returns the initialized launcher, or the answer that there is none. The skeleton runs its
// stub without an init: then there is no launcher and no answer.
func (s *Server) ready() (child *Child, a Answer, ok bool) {
	child, died := s.state()
	switch {
	case child != nil:
		return child, Answer{}, true
	case died && s.isNode():
		return nil, failed(http.StatusForbidden, "System not ready, status is stopped."), false
	case s.isNode():
		return nil, failed(http.StatusForbidden, protocol.NodeNotInitialized), false
	case s.opts.Family.StubCode && !died:
		return nil, Answer{}, true
	}
	return nil, failed(http.StatusInternalServerError, protocol.NotInitialized), false
}
