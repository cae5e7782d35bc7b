package invoker

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"unicode/utf8"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
)

// The texts of activations that did not come to an answer. OpenWhisk A.4.
const (
	InitExited    = "The action did not initialize and exited unexpectedly."
	RunExited     = "The action did not produce a valid response and exited unexpectedly."
	MemoryText    = "The action exhausted its memory and was aborted."
	Unprovisioned = "Failed to provision resources to run the action."
)

// TimeoutText is the error of an activation that was stopped at its limit.
// OpenWhisk 2.11.3.
func TimeoutText(limit entity.Limits, init bool) string {
	text := fmt.Sprintf("The action exceeded its time limits of %d milliseconds", limit.Timeout.Milliseconds())
	if init {
		return text + " during initialization."
	}
	return text + "."
}

// Verdict is what a container's answer means: the Response and, for
// failures, the fault's code.
type Verdict struct {
	Response entity.Response
	Fault    string
}

// ClassifyInit turns the answer to an initialisation into a Verdict; ok is
// true if the action may run. length is the true length of body, which may
// have been cut. OpenWhisk 2.11.1, 3.1.6.
func ClassifyInit(status int, body []byte, length, limit int64) (v Verdict, ok bool) {
	if length > limit {
		return tooLong(entity.DeveloperError, body, length, limit), false
	}
	if status == http.StatusOK {
		return Verdict{}, true
	}
	if own, found := ownError(body); found {
		return Verdict{entity.Response{Status: entity.DeveloperError, Result: own, Size: utf8.RuneCount(body)}, fault.InitFailed}, false
	}
	text := "The action failed during initialization" + ending(body)
	return Verdict{entity.Failed(entity.DeveloperError, text), fault.InitFailed}, false
}

// ClassifyRun turns the answer to a run into a Verdict. OpenWhisk 2.10.1–
// 2.10.3, 2.11.2, 2.11.5. The response aliases body.
func ClassifyRun(status int, body []byte, length, limit int64) Verdict {
	if length > limit {
		return tooLong(entity.ApplicationError, body, length, limit)
	}
	if !isResult(body) {
		text := "The action did not produce a valid JSON or JSON Array response" + ending(body)
		return Verdict{entity.Failed(entity.DeveloperError, text), fault.WrongResult}
	}
	r := entity.Response{Result: body, Size: utf8.RuneCount(body)}
	switch {
	case status != http.StatusOK:
		return refused(r, body)
	case hasError(body):
		r.Status = entity.ApplicationError
	}
	return Verdict{Response: r}
}

// refused is a run that was answered with a status of failure.
func refused(r entity.Response, body []byte) Verdict {
	r.Status = entity.DeveloperError
	if own, found := ownError(body); found {
		r.Result = own
		return Verdict{r, fault.WrongResult}
	}
	text := "The action did not produce a valid JSON or JSON Array response" + ending(body)
	return Verdict{entity.Failed(entity.DeveloperError, text), fault.WrongResult}
}

func tooLong(s entity.Status, body []byte, length, limit int64) Verdict {
	text := fmt.Sprintf("The action produced a response that exceeded the allowed length: %d > %d bytes.", length, limit)
	if len(body) > 0 {
		text += " The truncated response was: " + string(bytes.ToValidUTF8(body, []byte("\ufffd")))
	}
	r := entity.Failed(s, text)
	r.Size = int(length)
	return Verdict{r, fault.ResultTooBig}
}

func ending(body []byte) string {
	if len(body) == 0 {
		return "."
	}
	return ": " + string(bytes.ToValidUTF8(body, []byte("\ufffd")))
}

func isResult(body []byte) bool {
	t := bytes.TrimLeft(body, " \t\r\n")
	return len(t) > 0 && (t[0] == '{' || t[0] == '[') && json.Valid(t)
}

// ownError returns {"error": x} for an object that has a member "error".
func ownError(body []byte) (json.RawMessage, bool) {
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil || members["error"] == nil {
		return nil, false
	}
	return json.RawMessage(`{"error":` + string(members["error"]) + `}`), true
}

// hasError reports whether the result is an object with a member "error". It
// decodes only results in which the word stands at all, or could stand in
// escapes.
func hasError(body []byte) bool {
	if !bytes.Contains(body, []byte(`"error"`)) && !bytes.Contains(body, []byte(`\u`)) {
		return false
	}
	_, found := ownError(body)
	return found
}
