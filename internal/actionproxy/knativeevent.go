package actionproxy

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/gowhisk/gowhisk/internal/cloudevent"
	"github.com/gowhisk/gowhisk/internal/protocol"
	"github.com/gowhisk/gowhisk/internal/webaction"
)

// event serves a CloudEvent. The answer to what is no fault of the sender tells a broker what to do:
// 204 or an event is success, 422 is not tried again, 5xx is.
func (x *exchange) event(a *Action, mode cloudevent.Mode) {
	if mode == cloudevent.Batch {
		respond(x, failed(http.StatusUnsupportedMediaType, "Batches of events are not served: send one event in a request."))
		return
	}
	e, err := cloudevent.Read(mode, x.r.Header, x.body)
	if err != nil {
		respond(x, failed(http.StatusBadRequest, "The event is malformed: "+err.Error()))
		return
	}
	if a == nil {
		respond(x, failed(http.StatusForbidden, protocol.NodeNotInitialized))
		return
	}
	if a.web() {
		if _, err := x.admit(a); err != nil {
			respond(x, failed(err.Status, err.Message))
			return
		}
	}
	args, ok := e.Arguments(func(name string) bool { return webaction.Reserved(name) || a.fixed(name) })
	if !ok {
		respond(x, failed(http.StatusBadRequest, webaction.ErrReserved.Message))
		return
	}
	o := x.call(a, args, nil)
	switch o.verdict() {
	case success:
		x.eventAnswer(a, mode, o)
	case applicationError:
		respond(x, Answer{Status: http.StatusUnprocessableEntity, Body: o.answer.Body})
	default:
		x.answer(o)
	}
}

// eventAnswer sends a result that has the form of an event as one, in the mode of the request, and
// nothing for any other: a broker would take it for a malformed event. What the event does not say of
// itself it gets from the activation.
func (x *exchange) eventAnswer(a *Action, mode cloudevent.Mode, o outcome) {
	var shape struct {
		Version string `json:"specversion"`
		Type    string `json:"type"`
	}
	if json.Unmarshal(o.answer.Body, &shape) != nil || shape.Version == "" || shape.Type == "" {
		x.Header()["Content-Type"] = nil
		send(x, http.StatusNoContent, nil)
		return
	}
	e, err := cloudevent.Read(cloudevent.Structured, nil, withDefaults(o.answer.Body, map[string]string{
		"id": x.Header().Get("X-Openwhisk-Activation-Id"), "source": source(a), "time": o.end.UTC().Format(time.RFC3339Nano),
	}))
	if err != nil {
		respond(x, failed(http.StatusBadGateway, "The action's event is malformed: "+err.Error()))
		return
	}
	h, body := e.Write(mode)
	maps.Copy(x.Header(), h)
	if len(body) == 0 {
		x.Header()["Content-Type"] = nil
	}
	send(x, http.StatusOK, body)
}

// withDefaults adds members to an object that lacks them.
func withDefaults(object []byte, defaults map[string]string) []byte {
	var members map[string]json.RawMessage
	if json.Unmarshal(object, &members) != nil {
		return object
	}
	out := slices.Clone(bytes.TrimSuffix(bytes.TrimSpace(object), []byte{'}'}))
	for _, name := range slices.Sorted(maps.Keys(defaults)) {
		if _, there := members[name]; !there && defaults[name] != "" {
			out = append(append(protocol.AppendString(append(out, ','), name), ':'), protocol.AppendString(nil, defaults[name])...)
		}
	}
	return append(out, '}')
}

// source names the action as the origin of its events.
func source(a *Action) string {
	if name := a.FullName(); name != "" {
		return name
	}
	return "/"
}
