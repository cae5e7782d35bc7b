package controller

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoke"
)

// sendOutcome answers an invocation: the id if there is no record yet, else
// the result alone or the record around it. An array is always answered
// alone. The result goes out as the action wrote it. OpenWhisk 2.6.2–2.6.7.
func (x *exchange) sendOutcome(out invoke.Outcome, action *entity.Action, resultOnly bool) error {
	a := out.Activation
	if a == nil {
		return x.send(http.StatusAccepted, applicationJSON, []byte(`{"activationId":"`+string(out.ID)+`"}`))
	}
	status, result := outcomeStatus(a.Response.Status), []byte(a.Response.Result)
	if resultOnly || first(result) == '[' {
		if len(result) == 0 {
			result = []byte("{}")
		}
		return x.send(status, applicationJSON, result)
	}
	head, tail, err := splitRecord(a, tellsSteps(action))
	if err != nil {
		return err
	}
	return x.send(status, applicationJSON, head, result, tail)
}

func outcomeStatus(s entity.Status) int {
	switch s {
	case entity.Success:
		return http.StatusOK
	case entity.WhiskError:
		return http.StatusInternalServerError
	}
	return http.StatusBadGateway
}

// tellsSteps reports whether the logs of the action's record are the ids of
// its steps; those travel with the answer, printed lines do not. OpenWhisk
// 1.11.10.
func tellsSteps(a *entity.Action) bool {
	return a.Exec.Kind == entity.KindSequence || a.Annotations.Truthy(entity.AnnotationConductor)
}

// splitRecord renders the record as entity.Activation does, in two pieces
// that the result goes between, so that a large result is never copied.
func splitRecord(a *entity.Activation, withLogs bool) (head, tail []byte, err error) {
	head = append(make([]byte, 0, 1024), `{"activationId":"`...)
	head = append(append(head, a.ID...), `","annotations":`...)
	if head, err = appendAnnotations(head, a.Annotations); err != nil {
		return nil, nil, err
	}
	if a.Cause != "" {
		head = append(append(append(head, `,"cause":"`...), a.Cause...), '"')
	}
	if !a.End.IsZero() {
		head = strconv.AppendInt(append(head, `,"duration":`...), a.Duration.Milliseconds(), 10)
		head = strconv.AppendInt(append(head, `,"end":`...), a.End.UnixMilli(), 10)
	}
	if head, err = appendLogs(append(head, `,"logs":`...), a.Logs, withLogs); err != nil {
		return nil, nil, err
	}
	head = appendString(append(head, `,"name":`...), a.Name)
	head = appendString(append(head, `,"namespace":`...), a.Namespace)
	head = strconv.AppendBool(append(head, `,"publish":`...), a.Publish)
	head = append(head, `,"response":{`...)
	tail = make([]byte, 0, 256)
	if len(a.Response.Result) > 0 {
		head = append(head, `"result":`...)
		tail = append(tail, ',')
	}
	if a.Response.Size > 0 {
		tail = append(strconv.AppendInt(append(tail, `"size":`...), int64(a.Response.Size), 10), ',')
	}
	tail = appendString(append(tail, `"status":`...), a.Response.Status.String())
	tail = strconv.AppendBool(append(tail, `,"success":`...), a.Response.Status == entity.Success)
	tail = strconv.AppendInt(append(tail, `},"start":`...), a.Start.UnixMilli(), 10)
	tail = appendString(append(tail, `,"subject":`...), a.Subject)
	tail = appendString(append(tail, `,"version":`...), a.Version.String())
	return head, append(tail, '}'), nil
}

func appendLogs(b []byte, logs []string, shown bool) ([]byte, error) {
	if !shown || len(logs) == 0 {
		return append(b, "[]"...), nil
	}
	list, err := encode(logs)
	return append(b, list...), err
}

// appendAnnotations renders the list; only plain entries are done by hand.
func appendAnnotations(b []byte, list entity.Parameters) ([]byte, error) {
	b = append(b, '[')
	for i, p := range list {
		if i > 0 {
			b = append(b, ',')
		}
		if p.Init || p.Encryption != "" {
			entry, err := encode(p)
			if err != nil {
				return nil, err
			}
			b = append(b, entry...)
			continue
		}
		b = appendString(append(b, `{"key":`...), p.Key)
		b = append(append(append(b, `,"value":`...), p.Value...), '}')
	}
	return append(b, ']'), nil
}

// appendString renders s as JSON string.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			quoted, err := json.Marshal(s)
			if err != nil { // a string always encodes
				panic(err)
			}
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
