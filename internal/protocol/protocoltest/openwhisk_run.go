package protocoltest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/gowhisk/gowhisk/internal/protocol"
)

const arrayValue = `["a",{"b":1},[2]]`

// probeLife is the life of one container from its start to the exit of its action.
func probeLife() []clause {
	return append(initClauses(), []clause{
		{"3.1.4", "answers announce their length", "", checkLength},
		{"3.10.1", "arguments are the result, whatever their types", "", checkEcho},
		{"3.4.1", "both streams are printed, each run ends with a sentinel line on both", "", (*session).checkPrint},
		{"3.4.6", "what the action prints while it is loaded is in the logs", "", checkLoading},
		{"3.10.1", "unicode in source, arguments, result and logs", "", checkUnicode},
		{"3.2.1", "env of the init is there when the code is loaded, also empty values and those with =", "", func(s *session) error {
			return s.wantRun(`{"do":"start"}`, 200, s.started())
		}},
		{"3.3.3", "members of a run are __OW_ variables", "", checkMembers},
		{"3.3.3", "and those of the next run replace them", "", checkNextMembers},
		{"3.3.3", "what only an earlier run sent is not there any more", "", checkMembersGone},
		{"3.3.2", "arrays are arguments and results", "", checkArray},
		{"3.3.5", "a result with a member error is 200", "", func(s *session) error {
			return s.wantRun(`{"error":"wrong"}`, 200, `{"error":"wrong"}`)
		}},
		{"3.3.6", "a result that is no object or array fails", "", checkText},
		{"3.6.7", "a run that failed ends with sentinels, too", "", checkFailedSentinels},
		{"3.7.4", "no result is {}", NodeJS, func(s *session) error { return s.wantRun(`{"do":"nothing"}`, 200, `{}`) }},
		{"3.7.4", "a rejected promise is an error of the application", NodeJS, func(s *session) error {
			return s.wantRun(`{"do":"reject"}`, 200, `{"error":{"message":"wrong"}}`)
		}},
		{"3.6.12", "the body of a run may have several lines", "", checkLines},
		{"3.6.6", "a run that is not JSON is refused, and harms nothing", "", checkBadRun},
		{"3.10.1", "an argument of 1,048,561 characters", "", checkLarge},
		{"3.8.5", "every run is a process of its own, given its arguments twice unless they are long", Skeleton, checkProcess},
		{"3.2.5", "a second init is refused, in these words", "", checkSecondInit},
		{"3.2.5", "and said in the logs", "", checkSecondInitLogged},
		{"3.2.5", "and harms nothing", "", func(s *session) error { return s.wantRun(`{"a":1}`, 200, `{"a":1}`) }},
		{"3.7.1", "an error thrown is 502 with its text", NodeJS, checkThrow},
		{"3.7.1", "and ends the action: later runs are 403", NodeJS, runIs(403, "System not ready, status is stopped.")},
		{"3.8.5", "the last line decides, not the status of the process", Skeleton, func(s *session) error {
			return s.wantRun(`{"do":"exit"}`, 502, `{"error":`+quote(protocol.NoDictionaryOrArray)+`}`)
		}},
		{"3.6.6", "an action that exited is 400 command exited, and the next run 500", ActionLoop, checkExited},
	}...)
}

func checkLength(s *session) error {
	r, err := s.run(`{}`)
	if err == nil && r.length != int64(len(r.body)) {
		err = fmt.Errorf("Content-Length %d with %d bytes: the platform takes that for no answer", r.length, len(r.body))
	}
	return err
}

func checkEcho(s *session) error {
	for _, value := range []string{`{}`, `{"string":"hello"}`, `{"numbers":[42,1]}`, `{"object":{"a":"A"}}`, `{"b":true,"n":null}`, `{"name":"n","main":"m","code":"c"}`} {
		if err := s.wantRun(value, 200, value); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) checkPrint() error {
	if err := errors.Join(s.print(), s.needLogs()); err != nil {
		return err
	}
	return s.print()
}

func checkLoading(s *session) error {
	if err := s.needLogs(); err != nil {
		return err
	}
	if s.samples.PerRun {
		return notApplicable("nothing is loaded before a run")
	}
	if out, _, _ := s.logs.text(); !strings.Contains(out, "loading\n") {
		return fmt.Errorf("stdout is %q, want a line loading", tail(out))
	}
	return nil
}

func checkUnicode(s *session) error {
	if err := s.wantRun(`{"do":"winter","delimiter":"❄"}`, 200, `{"winter":"❄ ❄ ☃"}`); err != nil || s.logs == nil {
		return err
	}
	if out, _, ok := s.await(func(out, _ string) bool { return strings.Contains(out, "❄ ❄ ☃\n") }); !ok {
		return fmt.Errorf("stdout ends in %q, want ❄ ❄ ☃", tail(out))
	}
	return nil
}

// started is what the probe has seen of startEnv while it was loaded.
func (s *session) started() string {
	if s.samples.NoEmpty {
		return `{"seen":"a=b","empty":null}`
	}
	return `{"seen":"a=b","empty":""}`
}

// wantMembers runs with these members and compares the variables that the action has.
func (s *session) wantMembers(given string, want map[string]string) error {
	r, err := s.post("/run", `{"value":{"do":"env"},`+given+`}`)
	if err != nil {
		return err
	}
	var env map[string]any
	if err := json.Unmarshal(r.body, &env); err != nil || r.status != 200 {
		return fmt.Errorf("got %s, want the environment", r)
	}
	for key, value := range want {
		if env[key] != value {
			return fmt.Errorf("__OW_%s is %v, want %q", strings.ToUpper(key), env[key], value)
		}
	}
	return nil
}

func checkMembers(s *session) error {
	return s.wantMembers(members, map[string]string{"namespace": "guest", "action_name": "/guest/probe", "action_version": "0.0.1",
		"activation_id": "a1", "transaction_id": "t1", "deadline": "4102444800000", "api_key": "key"})
}

func checkNextMembers(s *session) error {
	return s.wantMembers(strings.NewReplacer(`"a1"`, `"a2"`, `"key"`, `"k=2"`).Replace(members), map[string]string{"activation_id": "a2", "api_key": "k=2"})
}

// checkMembersGone fails where one caller's key is left for a run that has none.
func checkMembersGone(s *session) error {
	r, err := s.post("/run", `{"value":{"do":"env"},"activation_id":"a3"}`)
	if err != nil {
		return err
	}
	var env map[string]any
	if err := json.Unmarshal(r.body, &env); err != nil || r.status != 200 {
		return fmt.Errorf("got %s, want the environment", r)
	}
	if key, ok := env["api_key"]; ok || env["activation_id"] != "a3" {
		return fmt.Errorf("__OW_API_KEY is still %v, __OW_ACTIVATION_ID is %v", key, env["activation_id"])
	}
	return nil
}

func checkArray(s *session) error {
	if s.samples.Array != nil {
		return notApplicable("the language needs another action for it")
	}
	return s.wantRun(arrayValue, 200, arrayValue)
}

func checkText(s *session) error {
	if s.samples.Text != nil {
		return notApplicable("the language needs another action for it")
	}
	return s.wantText()
}

func (s *session) wantText() error {
	r, err := s.run(`{"do":"text"}`)
	if err != nil {
		return err
	}
	text := protocol.NoDictionaryOrArray
	if s.samples.Style == NodeJS {
		text = "The action did not return a dictionary"
	}
	if r.status != 502 || !strings.Contains(string(r.body), text) {
		return fmt.Errorf("got %s, want 502 with %q", r, text)
	}
	return nil
}

func checkTextSample(s *session) error {
	if r, err := s.initialize(s.samples.Text, nil); err != nil || r.status != 200 {
		return errors.Join(err, ifNil(err, func() error { return fmt.Errorf("init: got %s, want 200", r) }))
	}
	return s.wantText()
}
