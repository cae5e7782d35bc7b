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
	body = readable(body)
	return broken("The action failed during initialization", body, initFault(body)), false
}

// initFault is the fault behind an answer of failure, where the words of the
// languages' own loaders tell it; they are not OpenWhisk's, so what they do
// not tell is InitFailed.
func initFault(body []byte) string {
	for _, known := range []struct{ words, code string }{
		{"Action entrypoint '", fault.NoMain},
		{"undefined: Main", fault.NoMain},
		{"Cannot find module", fault.MissingDependency},
		{"Cannot find package", fault.MissingDependency},
		{"is not in std", fault.MissingDependency},
		{"no required module provides package", fault.MissingDependency},
	} {
		if bytes.Contains(body, []byte(known.words)) {
			return known.code
		}
	}
	return fault.InitFailed
}

// ClassifyRun turns the answer to a run into a Verdict. OpenWhisk 2.10.1–
// 2.10.3, 2.11.2, 2.11.5. The response aliases body; what is not UTF-8 in it
// becomes U+FFFD.
func ClassifyRun(status int, body []byte, length, limit int64) Verdict {
	if length > limit {
		return tooLong(entity.ApplicationError, body, length, limit)
	}
	body = readable(body)
	const text = "The action did not produce a valid JSON or JSON Array response"
	if !isResult(body) {
		return unusable(text, body, fault.WrongResult)
	}
	if status != http.StatusOK {
		return broken(text, body, fault.WrongResult)
	}
	r := entity.Response{Result: body, Size: utf8.RuneCount(body)}
	if HasError(body) {
		r.Status = entity.ApplicationError
	}
	return Verdict{Response: r}
}

// readable is body with U+FFFD for what is not UTF-8.
func readable(body []byte) []byte {
	if utf8.Valid(body) {
		return body
	}
	return bytes.ToValidUTF8(body, []byte("\ufffd"))
}

// broken is an answer with a status of failure: its own error if it has one.
func broken(text string, body []byte, code string) Verdict {
	own, found := ownError(body)
	if !found {
		return unusable(text, body, code)
	}
	return Verdict{entity.Response{Status: entity.DeveloperError, Result: own, Size: utf8.RuneCount(body)}, code}
}

// unusable is an answer that can only be shown as it is.
func unusable(text string, body []byte, code string) Verdict {
	if len(body) == 0 {
		text += "."
	} else {
		text += ": " + string(body)
	}
	r := entity.Failed(entity.DeveloperError, text)
	r.Size = utf8.RuneCount(body)
	return Verdict{r, code}
}

func tooLong(s entity.Status, body []byte, length, limit int64) Verdict {
	text := fmt.Sprintf("The action produced a response that exceeded the allowed length: %d > %d bytes.", length, limit)
	if len(body) > 0 {
		text += " The truncated response was: " + string(readable(body))
	}
	r := entity.Failed(s, text)
	r.Size = int(length)
	return Verdict{r, fault.ResultTooBig}
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

// HasError reports whether the result is an object with a member "error". It
// decodes only results in which the word stands at all, or could stand in
// escapes.
func HasError(body []byte) bool {
	if !bytes.Contains(body, []byte(`"error"`)) && !bytes.Contains(body, []byte(`\u`)) {
		return false
	}
	_, found := ownError(body)
	return found
}
