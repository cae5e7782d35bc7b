package knative

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/invoker"
	"github.com/gowhisk/gowhisk/internal/protocol"
)

// truncation is how many bytes of a result are kept. OpenWhisk 2.11.5.
const truncation = 1 << 20

// conclude turns the proxy's answer, which came at the time ended, into a Result. Clocks of the
// cluster are used for spans only.
func conclude(msg *invoker.Message, answer actionproxy.ActivationAnswer, ended time.Time) invoker.Result {
	took := max(0, time.Duration(answer.End-answer.Start)*time.Millisecond)
	r := invoker.Result{
		Ended: ended, Began: ended.Add(-took), Duration: took, Start: invoker.Warm,
		Init: time.Duration(answer.InitTime) * time.Millisecond,
	}
	r.Wait = max(0, r.Began.Sub(msg.Accepted))
	if r.Init > 0 {
		r.Start = invoker.Cold
	}
	verdict := judgeAnswer(msg.Action.Limits, answer)
	r.Response, r.Fault = verdict.Response, verdict.Fault
	r.TimedOut = r.Fault == fault.Timeout || r.Fault == fault.InitTimeout
	limit := msg.Action.Limits.Logs * entity.MB
	if limit == 0 {
		return r
	}
	r.Logs = answer.Logs
	if answer.LogsTruncated {
		r.Logs = append(r.Logs, remark(ended, fmt.Sprintf("Logs were truncated because the total bytes size exceeds the limit of %d bytes.", limit)))
		if r.Fault == "" {
			r.Fault = fault.LogsTruncated
		}
	}
	if r.Response.Status == entity.DeveloperError {
		r.Logs = append(r.Logs, remark(ended, "The action did not initialize or run as expected. Log data might be missing."))
	}
	return r
}

func remark(at time.Time, text string) string {
	return at.UTC().Format("2006-01-02T15:04:05.000000000Z") + " stderr: " + text
}

// judgeAnswer classifies as the local backend does; the proxy has other words for some failures.
func judgeAnswer(limits entity.Limits, answer actionproxy.ActivationAnswer) invoker.Verdict {
	said := ""
	if answer.Status != 200 {
		var failure struct{ Error json.RawMessage }
		if json.Unmarshal(answer.Result, &failure) == nil {
			said = textOf(failure.Error)
		}
	}
	fail := func(text, code string) invoker.Verdict {
		return invoker.Verdict{Response: entity.Failed(entity.DeveloperError, text), Fault: code}
	}
	switch {
	case answer.TimedOut:
		return fail(invoker.TimeoutText(limits, false), fault.Timeout)
	case answer.OutOfMemory:
		return fail(invoker.MemoryText, fault.OutOfMemory)
	case said == invoker.TimeoutText(limits, true):
		return fail(said, fault.InitTimeout)
	case said == invoker.InitExited, strings.HasSuffix(said, protocol.ExitedDuringInit):
		return fail(invoker.InitExited, fault.InitExited)
	case said == invoker.RunExited, said == protocol.CommandExited:
		return fail(invoker.RunExited, fault.Exited)
	}
	size := int64(len(answer.Result))
	if answer.InitFailed {
		verdict, _ := invoker.ClassifyInit(answer.Status, answer.Result, size, truncation)
		return verdict
	}
	body := answer.Result
	if size > truncation {
		body = body[:truncation]
	}
	return invoker.ClassifyRun(answer.Status, body, size, truncation)
}

// lost is the Result of an activation that may have run and gave no answer: what the pods of the
// revision, or the stem cell, tell decides whose fault that was.
func (b *Backend) lost(ctx context.Context, pods metav1.ListOptions, msg *invoker.Message, sent time.Time, lost *lostError) invoker.Result {
	now := time.Now()
	r := invoker.Result{Began: sent, Ended: now, Wait: sent.Sub(msg.Accepted), Duration: now.Sub(sent), Start: invoker.Cold, Why: lost.why}
	text, code, status := "The connection to the action was lost. Whether it ran is not known.", fault.Provisioning, entity.WhiskError
	if lost.waited { // the pod ends actions at their own limits: what took so long is something else
		text = "The cluster gave up waiting for an answer of the action. Whether it ran is not known."
	} else {
		switch reason := b.death(ctx, pods, sent); reason {
		case "":
		case "OOMKilled":
			text, code, status = invoker.MemoryText, fault.OutOfMemory, entity.DeveloperError
		default:
			text, code, status = invoker.RunExited, fault.Exited, entity.DeveloperError
			r.Why = "its container ended: " + reason
		}
	}
	b.opt.Logger.Warn("an action gave no answer", "activation", msg.ID, "in", pods.LabelSelector+pods.FieldSelector, "reason", lost.why, "judged", code)
	r.Response, r.Fault = entity.Failed(status, text), code
	return r
}
