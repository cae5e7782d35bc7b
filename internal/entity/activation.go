package entity

import (
	"encoding/json"
	"time"
)

// Status is the outcome of an activation. OpenWhisk 1.11.2.
type Status uint8

// The outcomes, with the numbers that summaries show.
const (
	Success          Status = iota
	ApplicationError        // the action answered with an error
	DeveloperError          // the action broke its contract: crash, timeout, bad result
	WhiskError              // the platform failed
)

var statusNames = [...]string{"success", "application error", "action developer error", "whisk internal error"}

func (s Status) String() string { return statusNames[s] }

// Response is what an activation answered. Result is any JSON object or
// array; Size is the length of the container's answer in characters, 0 when
// no container answered.
type Response struct {
	Status Status
	Result json.RawMessage
	Size   int
}

// responseJSON is the wire form as it is read. OpenWhisk 1.11.2.
type responseJSON struct {
	Result json.RawMessage `json:"result"`
	Size   int             `json:"size"`
	Status string          `json:"status"`
}

// MarshalJSON renders the wire form.
func (r Response) MarshalJSON() ([]byte, error) {
	return r.AppendJSON(nil), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (r *Response) UnmarshalJSON(data []byte) error {
	var in responseJSON
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	*r = Response{Result: in.Result, Size: in.Size}
	for i, name := range statusNames {
		if name == in.Status {
			r.Status = Status(i)
		}
	}
	return nil
}

// Failed is a Response that carries only a message.
func Failed(s Status, message string) Response {
	text, err := Marshal(message)
	if err != nil { // a string always encodes
		panic(err)
	}
	return Response{Status: s, Result: json.RawMessage(`{"error":` + string(text) + `}`)}
}

// Activation is the record of one run. It is immutable once stored. A zero
// End means that there is none (triggers). OpenWhisk 1.11.
type Activation struct {
	Namespace   string // the invoking namespace
	Name        string // of the action, without package
	Version     Version
	Subject     string
	ID          ActivationID
	Cause       ActivationID // the enclosing sequence, if any
	Start, End  time.Time
	Duration    time.Duration // init + run; sum of the parts for sequences
	Response    Response
	Logs        []string
	Annotations Parameters
	Publish     bool

	// Local is what the list filter `name` is compared with: "name",
	// "pkg/name" or "binding/name". OpenWhisk 1.10.3.
	Local string
}

// activationJSON is the full form as it is read. OpenWhisk 1.11.1.
type activationJSON struct {
	ID          ActivationID `json:"activationId"`
	Annotations Parameters   `json:"annotations"`
	Cause       ActivationID `json:"cause"`
	Duration    *int64       `json:"duration"`
	End         *int64       `json:"end"`
	Logs        []string     `json:"logs"`
	Name        string       `json:"name"`
	Namespace   string       `json:"namespace"`
	Publish     bool         `json:"publish"`
	Response    Response     `json:"response"`
	Start       int64        `json:"start"`
	Subject     string       `json:"subject"`
	Version     Version      `json:"version"`
}

// MarshalJSON renders the full form.
func (a *Activation) MarshalJSON() ([]byte, error) {
	return a.AppendJSON(make([]byte, 0, 1024+len(a.Response.Result))), nil
}

// UnmarshalJSON reads what MarshalJSON wrote; Local is not part of it.
func (a *Activation) UnmarshalJSON(data []byte) error {
	var in activationJSON
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	*a = Activation{
		ID: in.ID, Annotations: in.Annotations, Cause: in.Cause, Logs: in.Logs, Name: in.Name,
		Namespace: in.Namespace, Publish: in.Publish, Response: in.Response,
		Start: time.UnixMilli(in.Start), Subject: in.Subject, Version: in.Version,
	}
	if in.End != nil && in.Duration != nil {
		a.End, a.Duration = time.UnixMilli(*in.End), time.Duration(*in.Duration)*time.Millisecond
	}
	return nil
}

// Summary is the form of an activation in lists without docs. OpenWhisk
// 1.11.3: the duration there is end − start.
func (a *Activation) Summary() any {
	out := struct {
		ID          ActivationID `json:"activationId"`
		Annotations Parameters   `json:"annotations"`
		Cause       ActivationID `json:"cause,omitempty"`
		Duration    *int64       `json:"duration,omitempty"`
		End         *int64       `json:"end,omitempty"`
		Name        string       `json:"name"`
		Namespace   string       `json:"namespace"`
		Publish     bool         `json:"publish"`
		Start       int64        `json:"start"`
		StatusCode  *Status      `json:"statusCode,omitempty"`
		Version     Version      `json:"version"`
	}{
		ID: a.ID, Annotations: a.Annotations, Cause: a.Cause, Name: a.Name, Namespace: a.Namespace,
		Publish: a.Publish, Start: a.Start.UnixMilli(), Version: a.Version,
	}
	if !a.End.IsZero() {
		end := a.End.UnixMilli()
		duration := end - a.Start.UnixMilli()
		out.End, out.Duration, out.StatusCode = &end, &duration, &a.Response.Status
	}
	return out
}
