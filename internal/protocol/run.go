package protocol

import (
	"encoding/json"
	"strconv"
	"time"
)

// RunRequest is the body of POST /run and the run line of a launcher. OpenWhisk 3.3.1.
type RunRequest struct {
	// Value is the merged arguments: a JSON object or array, used as it is. Empty means {}.
	Value         json.RawMessage
	Namespace     string
	ActionName    string
	ActionVersion string
	ActivationID  string
	TransactionID string
	// APIKey is left out when empty.
	APIKey string
	// Deadline has millisecond precision on the wire; the zero time is left out.
	Deadline time.Time
	Trace    Trace
}

// Append appends the request as one line of JSON, without line feed.
func (r *RunRequest) Append(dst []byte) []byte {
	dst = append(dst, `{"value":`...)
	if len(r.Value) == 0 {
		dst = append(dst, '{', '}')
	} else {
		dst = AppendRaw(dst, r.Value)
	}
	dst = appendMember(dst, "namespace", r.Namespace)
	dst = appendMember(dst, "action_name", r.ActionName)
	dst = appendMember(dst, "action_version", r.ActionVersion)
	dst = appendMember(dst, "activation_id", r.ActivationID)
	dst = appendMember(dst, "transaction_id", r.TransactionID)
	if !r.Deadline.IsZero() {
		dst = append(dst, `,"deadline":"`...)
		dst = strconv.AppendInt(dst, r.Deadline.UnixMilli(), 10)
		dst = append(dst, '"')
	}
	if r.APIKey != "" {
		dst = appendMember(dst, "api_key", r.APIKey)
	}
	r.Trace.each(func(name, value string) { dst = appendMember(dst, name, value) })
	return append(dst, '}')
}

// MarshalJSON is Append, for encoders.
func (r *RunRequest) MarshalJSON() ([]byte, error) { return r.Append(nil), nil }

// UnmarshalJSON reads the known members; Value aliases nothing of b.
func (r *RunRequest) UnmarshalJSON(b []byte) error {
	var body struct {
		Value         json.RawMessage `json:"value"`
		Namespace     string          `json:"namespace"`
		ActionName    string          `json:"action_name"`
		ActionVersion string          `json:"action_version"`
		ActivationID  string          `json:"activation_id"`
		TransactionID string          `json:"transaction_id"`
		APIKey        string          `json:"api_key"`
		Deadline      string          `json:"deadline"`
		TraceParent   string          `json:"traceparent"`
		TraceState    string          `json:"tracestate"`
	}
	if err := json.Unmarshal(b, &body); err != nil {
		return err
	}
	*r = RunRequest{Value: body.Value, Namespace: body.Namespace, ActionName: body.ActionName,
		ActionVersion: body.ActionVersion, ActivationID: body.ActivationID,
		TransactionID: body.TransactionID, APIKey: body.APIKey, Trace: ParseTrace(body.TraceParent, body.TraceState)}
	if ms, err := strconv.ParseInt(body.Deadline, 10, 64); err == nil {
		r.Deadline = time.UnixMilli(ms)
	}
	return nil
}
