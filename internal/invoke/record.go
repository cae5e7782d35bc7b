package invoke

import (
	"cmp"
	"encoding/json"
	"strconv"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/invoker"
	"github.com/gowhisk/gowhisk/internal/protocol"
)

// annotationFault explains a failure: the stable code beside OpenWhisk's words.
const annotationFault = "x-error"

// lineage is where an activation stands among others.
type lineage struct {
	cause  entity.ActivationID // the enclosing sequence or composition, "" if topmost
	form   form
	memory int64           // MB, the most of any part; 0 if none ran
	fault  json.RawMessage // the explanation of the part that failed it
}

func (x *execution) lineage() lineage {
	l := lineage{form: x.form, memory: x.steps.memory, fault: x.steps.fault}
	if x.within != nil {
		l.cause = x.within.id
	}
	return l
}

// failed is the result of an activation that ended without one. What ran when
// the server stopped is told so.
func (x *execution) failed(msg *invoker.Message, err error) invoker.Result {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.started && x.service.life.Err() != nil {
		return stopped(msg)
	}
	return failed(msg, err)
}

// ofContainer is r if a container had part in it, else nil.
func (x *execution) ofContainer(r *invoker.Result) *invoker.Result {
	if x.form != primitive {
		return nil
	}
	return r
}

// stopped is the result of an activation that ran when the server stopped.
func stopped(msg *invoker.Message) invoker.Result {
	now := time.Now()
	return invoker.Result{
		Response: entity.Failed(entity.WhiskError, interrupted), Began: msg.Accepted, Ended: now,
		Duration: now.Sub(msg.Accepted), Fault: fault.InterruptedByCrash,
	}
}

// failed is the result of an activation of which nothing is known.
func failed(msg *invoker.Message, err error) invoker.Result {
	now := time.Now()
	text, code := "There was an internal server error.", fault.InternalServerError
	if e, ok := errorOf(err); ok {
		text, code = e.Message, e.Code
	}
	status := entity.WhiskError
	if entity.KindOf(err) == entity.NotFound {
		status, text = entity.ApplicationError, "Action could not be found or may have been deleted."
	}
	return invoker.Result{
		Response: entity.Failed(status, text), Began: now, Ended: now, Wait: now.Sub(msg.Accepted), Fault: code,
	}
}

// record is the activation that clients see. OpenWhisk 1.11.
func record(msg *invoker.Message, r *invoker.Result, l lineage) *entity.Activation {
	a := msg.Action
	return &entity.Activation{
		Namespace: msg.Identity.Namespace.Name, Name: a.Name.Name, Version: a.Version,
		Subject: msg.Identity.Subject, ID: msg.ID, Cause: l.cause, Start: r.Began.Truncate(time.Millisecond),
		End: r.Ended.Truncate(time.Millisecond), Duration: r.Duration,
		Response: r.Response, Logs: r.Logs, Annotations: annotations(msg, r, l), Local: named(msg).Local(),
	}
}

// named is the name that the action was invoked by.
func named(msg *invoker.Message) entity.Name {
	name := msg.Action.Name
	if b := msg.Binding; b != (entity.Name{}) {
		name.Namespace, name.Package = b.Namespace, b.Name
	}
	return name
}

// unfetched is the record of an activation whose action is gone. OpenWhisk
// 1.11.8.
func unfetched(msg *invoker.Message) *entity.Activation {
	r := failed(msg, entity.ErrNotFound)
	a := record(msg, &r, lineage{})
	a.Annotations = entity.Parameters{{Key: "path", Value: quote(msg.Action.Name.String())}, {Key: "kind", Value: quote("unknown")}}
	return a
}

// annotations are those of OpenWhisk 1.11.7, and x-error for a failure.
func annotations(msg *invoker.Message, r *invoker.Result, l lineage) entity.Parameters {
	a := msg.Action
	out := make(entity.Parameters, 0, 9)
	add := func(key string, value json.RawMessage) {
		out = append(out, entity.Parameter{Key: key, Value: value})
	}
	add("path", quote(a.Name.String()))
	add("waitTime", millis(r.Wait))
	if l.form == primitive {
		add("kind", quote(a.Exec.Kind))
		add("timeout", strconv.AppendBool(nil, r.TimedOut))
		add("limits", limitsJSON(a.Limits))
	} else {
		out = append(out, l.annotations(a)...)
	}
	if l.cause != "" {
		add("causedBy", quote(entity.KindSequence))
	}
	if r.Init > 0 {
		add("initTime", millis(r.Init))
	}
	if r.Placement != "" {
		add("placement", quote(r.Placement))
	}
	if msg.Binding != (entity.Name{}) {
		add("binding", quote(msg.Binding.String()))
	}
	switch {
	case r.Fault != "":
		add(annotationFault, explain(msg, r))
	case l.fault != nil && r.Response.Status != entity.Success:
		add(annotationFault, l.fault)
	}
	return out
}

// annotations are those that tell a sequence or composition, which shows as a
// sequence, too. OpenWhisk 2.8.7, 2.9.8.
func (l lineage) annotations(a *entity.Action) entity.Parameters {
	out := entity.Parameters{
		{Key: "kind", Value: quote(entity.KindSequence)}, {Key: "topmost", Value: strconv.AppendBool(nil, l.cause == "")},
	}
	if l.form == composition {
		out = append(out, entity.Parameter{Key: entity.AnnotationConductor, Value: json.RawMessage("true")})
	}
	if l.memory == 0 {
		return out
	}
	limits := entity.Limits{Timeout: a.Limits.Timeout, Memory: l.memory, Logs: a.Limits.Logs, Concurrency: 1}
	return append(out, entity.Parameter{Key: "limits", Value: limitsJSON(limits)})
}

// explain is the stable code beside OpenWhisk's words: what, why and next.
func explain(msg *invoker.Message, r *invoker.Result) json.RawMessage {
	f, ok := fault.Explain(r.Fault)
	if !ok {
		return quote(r.Fault)
	}
	limits := msg.Action.Limits
	limit := strconv.FormatInt(limits.Timeout.Milliseconds(), 10)
	switch r.Fault {
	case fault.OutOfMemory:
		limit = strconv.FormatInt(limits.Memory, 10)
	case fault.LogsTruncated:
		limit = strconv.FormatInt(limits.Logs, 10)
	}
	report := f.Report(r.Why, map[string]string{
		"action": msg.Action.Name.Local(), "id": string(msg.ID), "kind": msg.Action.Exec.Kind, "limit": limit,
		"main": cmp.Or(msg.Action.Exec.Main, "main"),
	})
	body, err := entity.Marshal(report)
	if err != nil { // strings and lists of them always encode
		panic(err)
	}
	return body
}

func quote(s string) json.RawMessage {
	return protocol.AppendString(make([]byte, 0, len(s)+2), s)
}

func millis(d time.Duration) json.RawMessage {
	return strconv.AppendInt(nil, max(0, d.Milliseconds()), 10)
}

func limitsJSON(l entity.Limits) json.RawMessage {
	b := make([]byte, 0, 80)
	b = strconv.AppendInt(append(b, `{"concurrency":`...), int64(l.Concurrency), 10)
	if l.Instances != nil {
		b = strconv.AppendInt(append(b, `,"instances":`...), int64(*l.Instances), 10)
	}
	b = strconv.AppendInt(append(b, `,"logs":`...), l.Logs, 10)
	b = strconv.AppendInt(append(b, `,"memory":`...), l.Memory, 10)
	b = strconv.AppendInt(append(b, `,"timeout":`...), l.Timeout.Milliseconds(), 10)
	return append(b, '}')
}
