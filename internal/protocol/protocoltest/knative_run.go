package protocoltest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// wantVariables runs with these activation members and compares the variables that the action has.
func (s *session) wantVariables(activation string, want map[string]string) error {
	r, err := s.post("/", `{"activation":{`+activation+`},"value":{"do":"env"}}`)
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

func checkActivation(s *session) error {
	// The runtime may have a limit of its own, so a deadline this soon.
	deadline := strconv.FormatInt(time.Now().Add(10*time.Second).UnixMilli(), 10)
	return s.wantVariables(strings.Replace(members, "4102444800000", deadline, 1), map[string]string{"namespace": "guest", "action_name": "/guest/probe",
		"action_version": "0.0.1", "activation_id": "a1", "transaction_id": "t1", "deadline": deadline, "api_key": "key"})
}

func checkNextActivation(s *session) error {
	return s.wantVariables(`"activation_id":"a2","api_key":"k=2"`, map[string]string{"activation_id": "a2", "api_key": "k=2"})
}

func checkActionName(s *session) error {
	for _, activation := range []string{`"action_name":""`, `"namespace":"guest"`} {
		r, err := s.post("/", `{"activation":{`+activation+`},"value":{"do":"env"}}`)
		if err != nil {
			return err
		}
		var env map[string]string
		if err := json.Unmarshal(r.body, &env); err != nil || !strings.HasSuffix(env["action_name"], "probe") {
			return fmt.Errorf("with %s: __OW_ACTION_NAME is %q, want probe: %s", activation, env["action_name"], r)
		}
	}
	return nil
}

func checkPrinted(s *session) error {
	if err := s.wantValue(`{"do":"print"}`, 200, `{"do":"print"}`); err != nil {
		return err
	}
	if err := s.needLogs(); err != nil {
		return err
	}
	out, errs, ok := s.await(func(out, err string) bool {
		return strings.Contains(out, "hello stdout\n") && strings.Contains(err, "hello stderr\n")
	})
	if !ok {
		return fmt.Errorf("stdout ends in %q, stderr in %q", tail(out), tail(errs))
	}
	return nil
}

func checkApplicationError(s *session) error {
	r, err := s.post("/", `{"activation":{},"value":{"error":"wrong"}}`)
	if err != nil {
		return err
	}
	if r.status < 400 || !sameJSON(r.body, []byte(`{"error":"wrong"}`)) {
		return fmt.Errorf(`got %s, want an error's status with {"error":"wrong"}`, r)
	}
	return nil
}

func checkNoObject(s *session) error {
	if s.samples.Text != nil {
		return notApplicable("the language needs another action for it")
	}
	return s.refused(`{"activation":{},"value":{"do":"text"}}`)
}
