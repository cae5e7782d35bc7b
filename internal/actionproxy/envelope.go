package actionproxy

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"

	"github.com/gowhisk/gowhisk/internal/protocol"
	"github.com/gowhisk/gowhisk/internal/webaction"
)

// envelope is a body that keeps what is for the runtime apart from what is for the action, so that an
// argument may have any name. OpenWhisk 3.9.1.
type envelope struct {
	Init       *Action                    `json:"init"`
	Activation map[string]json.RawMessage `json:"activation"`
	Value      json.RawMessage            `json:"value"`
}

// isEnvelope tells an envelope from arguments: it has init or activation, and nothing else but value.
func isEnvelope(body []byte) bool {
	if !bytes.Contains(body, []byte(`"init"`)) && !bytes.Contains(body, []byte(`"activation"`)) {
		return false
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil {
		return false
	}
	known := 0
	for _, name := range []string{"init", "activation", "value"} {
		if _, there := members[name]; there {
			known++
		}
	}
	_, value := members["value"]
	return known == len(members) && (known > 1 || !value)
}

// envelope serves a body of that form; false if it has another one.
func (x *exchange) envelope(action *Action) bool {
	if !x.isJSON() || !isEnvelope(x.body) {
		return action == nil && x.notJSON()
	}
	if x.k.opts.GatewayKey != "" && !x.fromGateway() {
		respond(x, failed(http.StatusUnauthorized, webaction.ErrUnauthorized.Message))
		return true
	}
	var e envelope
	if err := json.Unmarshal(x.body, &e); err != nil {
		respond(x, failed(http.StatusBadRequest, protocol.BadBody+err.Error()))
		return true
	}
	if e.Init != nil {
		a, ok := x.k.initRequest(x.r.Context(), e.Init)
		if !ok || e.Activation == nil && e.Value == nil {
			respond(x, a)
			return true
		}
		action = e.Init
		if !x.allowed(action) {
			return true
		}
	}
	if action == nil {
		respond(x, failed(http.StatusForbidden, protocol.NodeNotInitialized))
		return true
	}
	x.run(action, e)
	return true
}

// run serves the part of an envelope that is for the action. That of a web action is a web request
// whose body is the value.
func (x *exchange) run(action *Action, e envelope) {
	activation := make(map[string]string, len(e.Activation)+2)
	for name, value := range e.Activation {
		if value[0] != '{' && value[0] != '[' {
			activation[name] = textOf(value)
		}
	}
	if action.web() {
		x.web(action, webTarget{extension: webaction.HTTP}, e.Value, activation)
		return
	}
	if v := bytes.TrimSpace(e.Value); len(v) > 0 && string(v) != "null" && !protocol.IsResult(v) {
		respond(x, failed(http.StatusBadRequest, protocol.NoArguments))
		return
	} else if string(v) == "null" {
		e.Value = nil
	}
	args, a, ok := action.merge(nil, bytes.TrimSpace(e.Value))
	if !ok {
		respond(x, a)
		return
	}
	x.answer(x.call(action, args, activation))
}

// notJSON answers a stem cell's request that can not even be read.
func (x *exchange) notJSON() bool {
	if body := bytes.TrimSpace(x.body); len(body) > 0 && !json.Valid(body) {
		respond(x, failed(http.StatusBadRequest, badArguments(body)))
		return true
	}
	return false
}

// trace is the one that the request belongs to.
func (x *exchange) trace() protocol.Trace {
	return protocol.ParseTrace(x.r.Header.Get(protocol.TraceParent), x.r.Header.Get(protocol.TraceState))
}

// call invokes the action with the arguments, and names the activation in the answer.
func (x *exchange) call(action *Action, args []byte, activation map[string]string) outcome {
	if activation == nil {
		activation = make(map[string]string, 2)
	}
	if activation["activation_id"] == "" {
		activation["activation_id"] = newActivationID()
	}
	if activation["transaction_id"] == "" {
		activation["transaction_id"] = x.transaction
	}
	if activation[protocol.TraceParent] == "" {
		x.trace().AddTo(activation)
	}
	id := activation["activation_id"]
	x.Header()["X-Openwhisk-Activation-Id"] = []string{id}
	accepted := time.Now()
	o := x.k.invoke(x.r.Context(), call{action: action, activation: activation, args: action.arguments(args)})
	if home := x.k.opts.Home; home != nil && !o.unavailable && !x.fromGateway() {
		o.outOfMemory = o.answer.Status != http.StatusOK && x.k.killed()
		home.report(report{id, activation["transaction_id"], accepted, o})
	}
	return o
}
