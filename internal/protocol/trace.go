package protocol

import "strings"

// Trace is where an activation belongs in a distributed trace, in the words of W3C Trace Context. The
// zero Trace is none.
type Trace struct {
	Parent string `json:"parent,omitempty"` // the header traceparent
	State  string `json:"state,omitempty"`  // the header tracestate
}

// The headers, which are also the names of CloudEvents' extension for distributed tracing and of the
// members of POST /run that tell an action.
const (
	TraceParent = "traceparent"
	TraceState  = "tracestate"
)

// mostTraceState is how many characters of a tracestate have to be passed on.
const mostTraceState = 512

// ParseTrace reads the values of the headers. A parent that is none makes no Trace, and a state that is
// too long is left out. W3C Trace Context 3.2, 3.3.
func ParseTrace(parent, state string) Trace {
	if !isTraceParent(parent) {
		return Trace{}
	}
	if len(state) > mostTraceState || strings.ContainsFunc(state, func(r rune) bool { return r < ' ' || r > '~' }) {
		state = ""
	}
	return Trace{parent, state}
}

// isTraceParent: VERSION-TRACE-SPAN-FLAGS in lower-case hexadecimal digits, of which later versions may
// have more parts.
func isTraceParent(text string) bool {
	const length = 2 + 1 + 32 + 1 + 16 + 1 + 2
	if len(text) < length || len(text) > mostTraceState || text[:2] == "ff" || len(text) > length && (text[:2] == "00" || text[length] != '-') {
		return false
	}
	for i, c := range []byte(text) {
		switch digit := '0' <= c && c <= '9' || 'a' <= c && c <= 'f'; {
		case i == 2 || i == 35 || i == 52:
			if c != '-' {
				return false
			}
		case i < length && !digit, c <= ' ' || c > '~':
			return false
		}
	}
	return strings.Trim(text[3:35], "0") != "" && strings.Trim(text[36:52], "0") != ""
}

// each calls f with what there is, by name.
func (t Trace) each(f func(name, value string)) {
	if t.Parent == "" {
		return
	}
	f(TraceParent, t.Parent)
	if t.State != "" {
		f(TraceState, t.State)
	}
}

// AddTo puts what there is into members, which may be headers or attributes, by name.
func (t Trace) AddTo(members map[string]string) {
	t.each(func(name, value string) { members[name] = value })
}
