package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
)

// ErrMalformedAnswer is returned for a line that is no answer: a broken prefix, or no text after it.
var ErrMalformedAnswer = errors.New("malformed answer line")

// MaxPrefix bounds the bytes of an answer line before its JSON text.
const MaxPrefix = 1 + maxID + 1 + len("!502 ")

const maxID = 64

// Stream tells a frame of output from an answer.
type Stream int

// The streams of a line.
const (
	NoStream Stream = iota // an answer
	Stdout
	Stderr
)

// Answer is one answer line, [@activation_id ][!status ]json, or a frame of output,
// @activation_id >1 "text".
type Answer struct {
	// ID names the activation; empty where one activation is in flight at a time.
	ID string
	// Status is what the HTTP answer's would be; 200 when the line has none.
	Status int
	// Stream is where the text was written to, if the line is a frame: Body is a JSON string then.
	Stream Stream
	// Body is the text after the prefix. Not checked to be JSON.
	Body []byte
}

// ParseAnswer reads an answer line without its line feed. Body aliases line.
func ParseAnswer(line []byte) (Answer, error) {
	a := Answer{Status: http.StatusOK}
	line = bytes.TrimSuffix(line, []byte{'\r'})
	if len(line) > 0 && line[0] == '@' {
		end := bytes.IndexByte(line[:min(len(line), maxID+2)], ' ')
		if end < 2 {
			return Answer{}, ErrMalformedAnswer
		}
		a.ID = string(line[1:end])
		line = line[end+1:]
	}
	switch {
	case a.ID != "" && bytes.HasPrefix(line, []byte(">1 ")):
		a.Stream, line = Stdout, line[3:]
	case a.ID != "" && bytes.HasPrefix(line, []byte(">2 ")):
		a.Stream, line = Stderr, line[3:]
	case len(line) > 0 && line[0] == '!':
		status, ok := parseStatus(line)
		if !ok {
			return Answer{}, ErrMalformedAnswer
		}
		a.Status = status
		line = line[5:]
	}
	if len(line) == 0 {
		return Answer{}, ErrMalformedAnswer
	}
	a.Body = line
	return a, nil
}

// parseStatus reads "!ddd ".
func parseStatus(line []byte) (int, bool) {
	if len(line) < 5 || line[4] != ' ' {
		return 0, false
	}
	status := 0
	for _, c := range line[1:4] {
		if c < '0' || c > '9' {
			return 0, false
		}
		status = status*10 + int(c-'0')
	}
	return status, status >= 100 && status <= 599
}

// Append appends the answer as a line, without line feed.
func (a Answer) Append(dst []byte) []byte {
	if a.ID != "" {
		dst = append(dst, '@')
		dst = append(dst, a.ID...)
		dst = append(dst, ' ')
	}
	if a.Stream != NoStream {
		dst = append(dst, '>', byte('0'+a.Stream), ' ')
	} else if a.Status != 0 && a.Status != http.StatusOK {
		dst = append(dst, '!', byte('0'+a.Status/100%10), byte('0'+a.Status/10%10), byte('0'+a.Status%10), ' ')
	}
	return AppendRaw(dst, a.Body)
}

// IsResult says whether text is what an action may return: one JSON object or array.
func IsResult(text []byte) bool {
	t := bytes.TrimLeft(text, " \t\r\n")
	return len(t) > 0 && (t[0] == '{' || t[0] == '[') && json.Valid(t)
}

// IsOK says whether text is the acknowledgement {"ok":true}, in any spelling of JSON.
func IsOK(text []byte) bool {
	if bytes.Equal(text, []byte(`{"ok":true}`)) {
		return true
	}
	var ack struct {
		OK bool `json:"ok"`
	}
	return json.Unmarshal(text, &ack) == nil && ack.OK
}

// Failure is an answer that refuses or fails: a status that is not 200 and a text for the user.
// It is the action's failure, not the platform's.
type Failure struct {
	Status  int
	Message string
}

// Error is the text alone.
func (f *Failure) Error() string { return f.Message }

// Answer is the failure as a runtime gives it: {"error":text}.
func (f *Failure) Answer() Answer {
	body := AppendString([]byte(`{"error":`), f.Message)
	return Answer{Status: f.Status, Body: append(body, '}')}
}
