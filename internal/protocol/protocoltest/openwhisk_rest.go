package protocoltest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/gowhisk/gowhisk/internal/protocol"
)

// checkFailedSentinels runs what fails between two runs that print.
func checkFailedSentinels(s *session) error {
	if err := s.needLogs(); err != nil {
		return err
	}
	if s.samples.Text != nil {
		return notApplicable("the language needs another action for it")
	}
	if err := s.print(); err != nil {
		return err
	}
	if _, err := s.run(`{"do":"text"}`); err != nil {
		return err
	}
	if err := s.print(); err != nil {
		return err
	}
	if got := s.before(); !strings.HasSuffix(got, protocol.LogSentinel+"\n") {
		return fmt.Errorf("stdout has %q of the failed run, want a sentinel line", tail(got))
	}
	return nil
}

func checkLines(s *session) error {
	r, err := s.post("/run", "{\n  \"value\": {\n    \"a\": 1\r\n  },\n  "+members+"\n}\n")
	if err != nil {
		return err
	}
	return r.want(200, `{"a":1}`)
}

func checkBadRun(s *session) error {
	for _, body := range []string{``, `not JSON`, `{"value":`} {
		r, err := s.post("/run", body)
		if err != nil {
			return err
		}
		if err := r.wantError(); err != nil {
			return err
		}
	}
	return s.wantRun(`{"a":1}`, 200, `{"a":1}`)
}

func checkLarge(s *session) error {
	value := `{"a":"` + strings.Repeat("a", 1048561) + `"}`
	return s.wantRun(value, 200, value)
}

func checkProcess(s *session) error {
	var last string
	for _, filler := range []int{0, 10, protocol.MaxArgument} {
		value := `{"do":"process","filler":"` + strings.Repeat("a", filler) + `"}`
		r, err := s.run(value)
		if err != nil {
			return err
		}
		var got struct{ PID, Argument, Input string }
		if json.Unmarshal(r.body, &got) != nil || got.PID == "" || got.PID == last {
			return fmt.Errorf("got %s after process %q, want another process", r, last)
		}
		last = got.PID
		argument := fmt.Sprint(len(value))
		if len(value) > protocol.MaxArgument {
			argument = "0"
		}
		if got.Argument != argument || got.Input != fmt.Sprint(len(value)) {
			return fmt.Errorf("%d characters: %s as argument and %s as input", len(value), got.Argument, got.Input)
		}
	}
	return nil
}

func checkSecondInit(s *session) error {
	r, err := s.initialize(s.samples.Probe, nil)
	if err != nil {
		return err
	}
	return r.wantFailure(403, protocol.AlreadyInitialized)
}

func checkSecondInitLogged(s *session) error {
	if err := s.needLogs(); err != nil {
		return err
	}
	if out, _, ok := s.await(func(out, err string) bool { return strings.Contains(out+err, protocol.AlreadyInitialized) }); !ok {
		return fmt.Errorf("stdout ends in %q, want %q", tail(out), protocol.AlreadyInitialized)
	}
	return nil
}

func checkThrow(s *session) error {
	return s.wantRun(`{"do":"throw"}`, 502, `{"error":"An error has occurred: Error: wrong"}`)
}

// checkExit is for runtimes whose server may die with the action, which the platform understands.
func checkExit(s *session) error {
	if r, err := s.initialize(s.samples.Probe, nil); err != nil || r.status != 200 {
		return errors.Join(err, ifNil(err, func() error { return fmt.Errorf("init: got %s, want 200", r) }))
	}
	r, err := s.run(`{"do":"exit"}`)
	if err != nil {
		s.seen = err.Error()
		return nil
	}
	return r.wantError()
}

func checkExited(s *session) error {
	if err := s.wantRun(`{"do":"exit"}`, 400, `{"error":`+quote(protocol.CommandExited)+`}`); err != nil {
		return err
	}
	r, err := s.run(`{}`)
	if err != nil {
		return err
	}
	if r.status != 500 {
		return fmt.Errorf("the next run: got %s, want 500", r)
	}
	return r.wantError()
}

// checkConcurrent lets a run wait for another one.
func checkConcurrent(s *session) error {
	if !s.samples.Concurrent {
		return notApplicable("the kind runs one activation at a time")
	}
	sample := &Sample{Main: "main", Code: concurrentSample}
	if r, err := s.initialize(sample, nil); err != nil || r.status != 200 {
		return errors.Join(err, ifNil(err, func() error { return fmt.Errorf("init: got %s, want 200", r) }))
	}
	type result struct {
		r   reply
		err error
	}
	first := make(chan result, 1)
	other := *s
	go func() {
		r, err := other.post("/run", `{"value":{},"activation_id":"b1"}`)
		first <- result{r, err}
	}()
	r, err := s.post("/run", `{"value":{},"activation_id":"b2"}`)
	got := <-first
	for _, one := range []result{{r, err}, got} {
		if one.err != nil {
			return one.err
		}
		if err := one.r.want(200, `{"met":2}`); err != nil {
			return err
		}
	}
	return nil
}

// concurrentSample answers when two runs are in it.
const concurrentSample = `
let waiting = [];
function main() {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 2) waiting.forEach((r) => r({met: 2}));
  });
}`
