package actionproxy

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/gowhisk/gowhisk/internal/protocol"
	"github.com/gowhisk/gowhisk/internal/webaction"
)

// ActivationMediaType asks for an activation as the platform wants it, if nothing else is accepted: the body is the arguments, merged already; headers that begin with ActivationHeader name
// the other members of POST /run; the answer has the result, the logs and the times.
const ActivationMediaType = "application/vnd.gowhisk.activation+json"

// InitMediaType is what such a request to a stem cell is sent as that brings the action, too: the body
// is {"init":ACTION,"value":ARGUMENTS}. A container that is an action's already refuses it with 403,
// and nothing runs.
const InitMediaType = "application/vnd.gowhisk.init+json"

// StemCellHeader is in the answer at ReadyPath of a container that is no action's yet.
const StemCellHeader = "X-Whisk-Stem-Cell"

// ActivationHeader begins the names of headers such as X-Whisk-Activation-Id, which is activation_id.
const ActivationHeader = "X-Whisk-"

// InitEnvHeader has the environment that the activation gives its action if it initializes it, over the
// action's own: a JSON object of strings. OpenWhisk 3.2.3.
const InitEnvHeader = ActivationHeader + "Init-Env"

// RefusedHeader is in an answer to such a request that the proxy gives because of the request, or because
// it cannot take it now: the action has seen nothing of it.
const RefusedHeader = "X-Whisk-Refused"

// ActivationAnswer is the body of such an answer, whose own status is 200 if the action was reached.
type ActivationAnswer struct {
	ActivationID string `json:"activationId"`
	// Status is that of the runtime's answer to /run: 200 also for an application error.
	Status int `json:"status"`
	// Start, End and InitTime are in milliseconds, the first two since 1970; InitTime is 0 for a warm
	// start.
	Start    int64 `json:"start"`
	End      int64 `json:"end"`
	InitTime int64 `json:"initTime"`
	// InitFailed: Status and Result are those of the init; there was no run.
	InitFailed bool `json:"initFailed"`
	// TimedOut: it was ended at its deadline.
	TimedOut bool `json:"timedOut"`
	// OutOfMemory: the kernel ended a process of the container for want of memory.
	OutOfMemory bool `json:"outOfMemory"`
	// Logs are lines in OpenWhisk's form.
	Logs          []string        `json:"logs"`
	LogsTruncated bool            `json:"logsTruncated"`
	Result        json.RawMessage `json:"result"`
}

// activation serves our own gateway.
func (x *exchange) activation(a *Action) {
	if !x.fromGateway() {
		respond(x, failed(http.StatusUnauthorized, webaction.ErrUnauthorized.Message))
		return
	}
	if x.r.Header.Get("Content-Type") == InitMediaType {
		var refusal Answer
		if a, refusal = x.adopt(); a == nil {
			respond(x, refusal)
			return
		}
	}
	if a == nil {
		respond(x, failed(http.StatusForbidden, protocol.NodeNotInitialized))
		return
	}
	activation := map[string]string{}
	var env protocol.Env
	if text := x.r.Header.Get(InitEnvHeader); text != "" {
		if err := json.Unmarshal([]byte(text), &env); err != nil {
			respond(x, failed(http.StatusBadRequest, InitEnvHeader+": "+err.Error()))
			return
		}
		x.r.Header.Del(InitEnvHeader)
	}
	for name, values := range x.r.Header {
		if member, ok := strings.CutPrefix(name, ActivationHeader); ok && len(values) > 0 {
			activation[strings.ReplaceAll(strings.ToLower(member), "-", "_")] = values[0]
		}
	}
	if activation["activation_id"] == "" {
		activation["activation_id"] = newActivationID()
	}
	x.trace().AddTo(activation)
	if len(x.body) > 0 && !protocol.IsResult(x.body) {
		respond(x, failed(http.StatusBadRequest, badArguments(x.body)))
		return
	}
	o := x.k.invoke(x.r.Context(), call{action: a, activation: activation, env: env, args: x.body})
	if o.unavailable {
		respond(x, o.answer)
		return
	}
	o.outOfMemory = o.answer.Status != http.StatusOK && x.k.killed()
	x.Header().Del(RefusedHeader)
	x.Header().Set("Content-Type", ActivationMediaType)
	send(x, http.StatusOK, o.append(make([]byte, 0, len(o.answer.Body)+512), activation["activation_id"]))
}

// adopt makes the stem cell that of the action in the body, of which the arguments stay. The action is
// initialized by its first run, whose answer has the time.
func (x *exchange) adopt() (*Action, Answer) {
	var e envelope
	if err := json.Unmarshal(x.body, &e); err != nil || e.Init == nil {
		return nil, failed(http.StatusBadRequest, badArguments(x.body))
	}
	if !x.k.adopt(x.r.Context(), e.Init) {
		return nil, failed(http.StatusForbidden, protocol.AlreadyInitialized)
	}
	x.body = e.Value
	return e.Init, Answer{}
}

// append writes an ActivationAnswer with the result as it is.
func (o outcome) append(b []byte, id string) []byte {
	b = protocol.AppendString(append(b, `{"activationId":`...), id)
	b = strconv.AppendInt(append(b, `,"status":`...), int64(o.answer.Status), 10)
	b = strconv.AppendInt(append(b, `,"start":`...), o.begin.UnixMilli(), 10)
	b = strconv.AppendInt(append(b, `,"end":`...), o.end.UnixMilli(), 10)
	b = strconv.AppendInt(append(b, `,"initTime":`...), o.initialized, 10)
	b = strconv.AppendBool(append(b, `,"initFailed":`...), o.initFailed)
	b = strconv.AppendBool(append(b, `,"timedOut":`...), o.timedOut)
	b = strconv.AppendBool(append(b, `,"outOfMemory":`...), o.outOfMemory)
	b = append(b, `,"logs":[`...)
	for i, line := range o.logs.Lines {
		if i > 0 {
			b = append(b, ',')
		}
		b = protocol.AppendString(b, line)
	}
	b = strconv.AppendBool(append(b, `],"logsTruncated":`...), o.logs.Truncated)
	b = append(b, `,"result":`...)
	if json.Valid(o.answer.Body) {
		return append(append(b, o.answer.Body...), '}')
	}
	return append(protocol.AppendString(b, string(o.answer.Body)), '}')
}
