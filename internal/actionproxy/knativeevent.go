package actionproxy

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gowhisk/gowhisk/internal/cloudevent"
	"github.com/gowhisk/gowhisk/internal/protocol"
	"github.com/gowhisk/gowhisk/internal/webaction"
)

// eventPrefix begins the names of the arguments that an event's attributes become. What is no JSON
// object among the data becomes the argument eventData: JSON as it is, text as a string, anything
// else as base64; __ce_datacontenttype tells.
const (
	eventPrefix = "__ce_"
	eventData   = eventPrefix + "data"
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
	if a.web() && !webaction.Authorized(a.Annotations.Get(webaction.AnnotationAuth), x.r.Header, x.fromGateway()) {
		respond(x, failed(http.StatusUnauthorized, webaction.ErrUnauthorized.Message))
		return
	}
	args, ok := eventArguments(a, e)
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

// eventArguments are the members of the data and the attributes; false if the data sets what it must
// not.
func eventArguments(a *Action, e cloudevent.Event) ([]byte, bool) {
	members := map[string]json.RawMessage{}
	data := bytes.TrimSpace(e.Data)
	if len(data) > 0 && e.HasJSON() && data[0] == '{' {
		if json.Unmarshal(data, &members) != nil {
			return nil, false
		}
		for key := range members {
			if strings.HasPrefix(key, eventPrefix) || webaction.Reserved(key) || a.fixed(key) {
				return nil, false
			}
		}
	} else if len(data) > 0 {
		members[eventData] = wholeData(e)
	}
	for name, value := range e.Attributes {
		members[eventPrefix+name] = protocol.AppendString(nil, value)
	}
	b := []byte{'{'}
	for i, key := range slices.Sorted(maps.Keys(members)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(protocol.AppendString(b, key), ':'), members[key]...)
	}
	return append(b, '}'), true
}

// wholeData is the data of an event as one JSON value.
func wholeData(e cloudevent.Event) json.RawMessage {
	switch {
	case e.HasJSON():
		return bytes.TrimSpace(e.Data)
	case e.HasText():
		return protocol.AppendString(nil, string(e.Data))
	}
	return protocol.AppendString(nil, base64.StdEncoding.EncodeToString(e.Data))
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
