package entity

import (
	"encoding/json"
	"math"
	"strings"
	"time"
)

// Limits bound one activation of an action.
type Limits struct {
	Timeout     time.Duration // of init and of each run, whole milliseconds
	Memory      int64         // MB
	Logs        int64         // MB; 0 keeps no logs
	Concurrency int           // activations in flight in one container
	Instances   *int          // containers of the action, nil when not set
}

// DefaultLimits are those of an action that names none. OpenWhisk C.1, C.2.
func DefaultLimits() Limits {
	return Limits{Timeout: time.Minute, Memory: 256, Logs: 10, Concurrency: 1}
}

// limitsJSON is the wire form: milliseconds and MB as plain numbers.
type limitsJSON struct {
	Timeout     int64 `json:"timeout"`
	Memory      int64 `json:"memory"`
	Logs        int64 `json:"logs"`
	Concurrency int   `json:"concurrency"`
	Instances   *int  `json:"instances,omitempty"`
}

// MarshalJSON renders the wire form. OpenWhisk 2.3.3.
func (l Limits) MarshalJSON() ([]byte, error) {
	return Marshal(limitsJSON{l.Timeout.Milliseconds(), l.Memory, l.Logs, l.Concurrency, l.Instances})
}

// UnmarshalJSON reads what MarshalJSON wrote. Requests go through
// LimitsPatch instead.
func (l *Limits) UnmarshalJSON(data []byte) error {
	var in limitsJSON
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	*l = Limits{time.Duration(in.Timeout) * time.Millisecond, in.Memory, in.Logs, in.Concurrency, in.Instances}
	return nil
}

// LimitsPatch is the `limits` member of a request: what is nil keeps its
// old or default value. OpenWhisk 2.5.6.
type LimitsPatch struct {
	Timeout     *int64 // milliseconds
	Memory      *int64 // MB
	Logs        *int64 // MB
	Concurrency *int64
	Instances   *int64
}

// UnmarshalJSON accepts whole numbers only, with OpenWhisk's texts for
// everything else. OpenWhisk 2.5.5.
func (p *LimitsPatch) UnmarshalJSON(data []byte) error {
	var in map[string]json.RawMessage
	if err := json.Unmarshal(data, &in); err != nil || in == nil {
		return MalformedContent("JSON object expected")
	}
	fields := []struct {
		key, typeText, wholeText string
		to                       **int64
	}{
		{"memory", "memory limit malformed", "memory limit must be whole number", &p.Memory},
		{"timeout", "time limit malformed", "time limit must be whole number", &p.Timeout},
		{"logs", "log limit malformed", "log limit must be whole number", &p.Logs},
		{"concurrency", "concurrency limit malformed", "intra concurrency limit must be whole number", &p.Concurrency},
		{"instances", "instance concurrency limit malformed", "instance concurrency limit must be whole number", &p.Instances},
	}
	for _, f := range fields {
		raw, ok := in[f.key]
		if !ok || string(raw) == "null" {
			continue
		}
		n, whole, ok := wholeNumber(string(raw))
		if !ok {
			return MalformedContent("%s", f.typeText)
		}
		if !whole {
			return MalformedContent("requirement failed: %s", f.wholeText)
		}
		*f.to = &n
	}
	if p.Instances != nil && *p.Instances < 0 {
		return MalformedContent("requirement failed: Action container concurrency must be greater than or equal to 0.")
	}
	return nil
}

// wholeNumber reads a JSON number; ok is false if raw is none, whole is
// false if it has a fraction or does not fit.
func wholeNumber(raw string) (n int64, whole, ok bool) {
	var num json.Number
	if strings.HasPrefix(raw, `"`) || json.Unmarshal([]byte(raw), &num) != nil {
		return 0, false, false
	}
	if n, err := num.Int64(); err == nil {
		return n, true, true
	}
	f, err := num.Float64()
	if err != nil || f != math.Trunc(f) || math.Abs(f) >= 1<<63 {
		return 0, false, true
	}
	return int64(f), true, true
}

// Apply returns l with the values of p put over it.
func (p LimitsPatch) Apply(l Limits) Limits {
	if p.Timeout != nil {
		l.Timeout = milliseconds(*p.Timeout)
	}
	if p.Memory != nil {
		l.Memory = *p.Memory
	}
	if p.Logs != nil {
		l.Logs = *p.Logs
	}
	if p.Concurrency != nil {
		l.Concurrency = int(*p.Concurrency)
	}
	if p.Instances != nil {
		n := int(*p.Instances)
		l.Instances = &n
	}
	return l
}

// milliseconds is n ms, or the nearest duration that there is.
func milliseconds(n int64) time.Duration {
	const most = math.MaxInt64 / int64(time.Millisecond)
	return time.Duration(max(-most, min(most, n))) * time.Millisecond
}

// LimitRange is what a namespace may ask for an action. OpenWhisk 2.5.1.
type LimitRange struct {
	MinTimeout, MaxTimeout         time.Duration
	MinMemory, MaxMemory           int64 // MB
	MinLogs, MaxLogs               int64 // MB
	MinConcurrency, MaxConcurrency int
}

// DefaultLimitRange is the range that OpenWhisk ships with, except that up
// to 500 activations may share a container: the documented maximum where the
// feature is enabled, and it is enabled here.
func DefaultLimitRange() LimitRange {
	return LimitRange{100 * time.Millisecond, 5 * time.Minute, 128, 512, 0, 10, 1, 500}
}

// Check reports the first value of l outside r in the order memory, timeout,
// logs, concurrency, with OpenWhisk's text. OpenWhisk 2.5.2, 2.5.4.
func (r LimitRange) Check(l Limits) error {
	const prefix = "requirement failed: "
	ms := time.Duration.Milliseconds
	checks := []struct {
		is, min, max int64
		format       string
	}{
		{l.Memory, r.MinMemory, r.MaxMemory, "memory size %d MB %s allowed threshold of %d MB"},
		{ms(l.Timeout), ms(r.MinTimeout), ms(r.MaxTimeout), "duration %d milliseconds %s allowed threshold of %d milliseconds"},
		{l.Logs, r.MinLogs, r.MaxLogs, "log size %d MB %s allowed threshold of %d MB"},
		{int64(l.Concurrency), int64(r.MinConcurrency), int64(r.MaxConcurrency), "concurrency %d %s allowed threshold of %d"},
	}
	for _, c := range checks {
		if c.is > c.max {
			return Errorf(Malformed, prefix+c.format, c.is, "exceeds", c.max)
		}
		if c.is < c.min {
			return Errorf(Malformed, prefix+c.format, c.is, "below", c.min)
		}
	}
	return nil
}
