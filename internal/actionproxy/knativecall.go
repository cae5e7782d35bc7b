package actionproxy

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gowhisk/gowhisk/internal/protocol"
)

// call is one activation on its way to the action.
type call struct {
	action *Action
	// activation are the members of the run's body beside the value, by their names there.
	activation map[string]string
	env        protocol.Env // of an init that the call brings about
	args       []byte       // a JSON object or array; empty for {}
}

// outcome is what became of a call.
type outcome struct {
	answer      Answer
	logs        Logs
	begin, end  time.Time
	initialized int64 // milliseconds that an init took before; 0 for none
	timedOut    bool
	outOfMemory bool
	initFailed  bool // the action did not begin, and its run was not tried
	unavailable bool // it did not reach the action
}

// success, application error and the rest: OpenWhisk 3.3.5, 3.3.6.
type verdict int

const (
	success verdict = iota
	applicationError
	developerError
)

func (o outcome) verdict() verdict {
	if o.answer.Status != http.StatusOK || !protocol.IsResult(o.answer.Body) {
		return developerError
	}
	if !bytes.Contains(o.answer.Body, []byte(`"error"`)) {
		return success
	}
	var result map[string]json.RawMessage
	if json.Unmarshal(o.answer.Body, &result) == nil && result["error"] != nil {
		return applicationError
	}
	return success
}

func newActivationID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// invoke runs the action, and initializes the runtime if it is not yet, or no longer, the action's.
func (k *Knative) invoke(ctx context.Context, c call) outcome {
	if k.slots != nil {
		select {
		case k.slots <- struct{}{}:
			defer func() { <-k.slots }()
		case <-ctx.Done():
			return outcome{answer: failed(http.StatusServiceUnavailable, errBusy.Error()), unavailable: true}
		}
	}
	k.runs.RLock()
	generation := k.generation
	o := k.attempt(ctx, c)
	k.runs.RUnlock()
	if o.answer.Status != http.StatusOK && !o.unavailable {
		k.replace(generation)
	}
	return o
}

// replace ends a runtime whose action failed, once nothing is in flight: as OpenWhisk does with the
// container, since nobody knows what state it is in. OpenWhisk 2.10.6, 3.7.1.
func (k *Knative) replace(generation int) {
	k.runs.Lock()
	defer k.runs.Unlock()
	if k.generation == generation {
		k.runtime.Reset()
		k.generation++
	}
}

// attempt runs the action once. The caller has the right to.
func (k *Knative) attempt(ctx context.Context, c call) outcome {
	o := outcome{begin: time.Now()}
	if k.runtime.Err() != nil {
		answer, ok := k.become(ctx, c.action.during(c.members(c.deadline()), c.env))
		o.initialized = since(o.begin)
		if !ok {
			o.answer, o.end, o.logs = answer, time.Now(), k.runtime.InitLogs()
			o.unavailable = answer.Status == http.StatusServiceUnavailable
			o.initFailed = !o.unavailable
			return o
		}
	}
	deadline := c.deadline()
	ctx, cancel := context.WithDeadlineCause(context.WithoutCancel(ctx), deadline, ErrDeadline)
	defer cancel()
	var err error
	o.answer, o.logs, err = k.runtime.Run(ctx, c.activation["activation_id"], c.body(deadline))
	if errors.Is(err, ErrUnread) && o.initialized == 0 { // the action had ended since its last run
		return k.attempt(ctx, c)
	}
	o.end = time.Now()
	if err != nil {
		o.timedOut = errors.Is(err, ErrDeadline)
		o.answer = runFailure(err, http.StatusBadGateway, k.opts.Node)
		if o.timedOut {
			o.answer = failed(http.StatusBadGateway, timeLimit(c.action, "."))
		}
	}
	return o
}

// deadline is the one that the request gives, if it is still to come, and no later than the action's
// time limit.
func (c call) deadline() time.Time {
	limit := time.Now().Add(c.action.timeout())
	ms, err := strconv.ParseInt(c.activation["deadline"], 10, 64)
	if given := time.UnixMilli(ms); err == nil && given.After(time.Now()) && given.Before(limit) {
		return given
	}
	return limit
}

// body is that of POST /run. Members that nobody gave are left out, so that the environment of the
// container holds. OpenWhisk 3.3.1.
func (c call) body(deadline time.Time) []byte {
	args := c.args
	if len(args) == 0 {
		args = []byte("{}")
	}
	members := c.members(deadline)
	b := make([]byte, 0, len(args)+512)
	b = protocol.AppendRaw(append(b, `{"value":`...), args)
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if members[name] != "" {
			b = append(protocol.AppendString(append(b, ','), name), ':')
			b = protocol.AppendString(b, members[name])
		}
	}
	return append(b, '}')
}

// members are those beside the value.
func (c call) members(deadline time.Time) map[string]string {
	members := map[string]string{
		"namespace": c.action.Namespace, "action_name": c.action.FullName(), "action_version": c.action.Version,
	}
	for name, value := range c.activation {
		if value != "" && name != "value" {
			members[name] = value
		}
	}
	members["deadline"] = strconv.FormatInt(deadline.UnixMilli(), 10)
	return members
}

// arguments are the action's parameters with those of the request over them. OpenWhisk 4.2.7.
func (a *Action) arguments(args []byte) []byte {
	own := slices.DeleteFunc(slices.Clone(a.Parameters), func(p KeyValue) bool { return p.Init || len(p.Value) == 0 })
	var given map[string]json.RawMessage
	if len(own) == 0 || len(args) > 0 && json.Unmarshal(args, &given) != nil {
		return args // also an array
	}
	b := []byte{'{'}
	for _, p := range own {
		if _, over := given[p.Key]; over || !bytes.Equal(a.Parameters.Get(p.Key), p.Value) {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(append(protocol.AppendString(b, p.Key), ':'), p.Value...)
	}
	inner := bytes.TrimSpace(args)
	if len(given) > 0 {
		if len(b) > 1 {
			b = append(b, ',')
		}
		return append(b, inner[1:]...)
	}
	return append(b, '}')
}
