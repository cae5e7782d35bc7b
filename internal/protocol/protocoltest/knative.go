package protocoltest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/gowhisk/gowhisk/internal/protocol"
)

// knativeLives are the containers whose lives show that the contract of the single entry point holds.
// Clauses 0-nn are the rows of the Knative build of OpenWhisk's runtimes.
func knativeLives(s Samples) []life {
	baked := func(annotations map[string]any, methods ...string) Start {
		return Start{Action: &Baked{Sample: *s.Probe, Kind: s.Kind, Annotations: annotations, Parameters: map[string]any{"fixed": "f"}, Methods: methods}}
	}
	web := map[string]any{"web-export": true, "final": true}
	raw := map[string]any{"web-export": true, "raw-http": true}
	return []life{
		{clauses: stemCellLife()},
		{clauses: []clause{{"0-03", "one request initializes and runs", "", checkInitAndRun}}},
		{start: Start{Env: []string{"K=a=b", "EMPTY="}}, clauses: []clause{{"0-20", "the environment of the service reaches the action", "", checkServiceEnv}}},
		{exits: true, start: Start{Env: []string{"__OW_RUNTIME_PLATFORM=moon", "OW_RUNTIME_PLATFORM=moon"}},
			clauses: []clause{{"0-01", "a platform that does not exist ends the runtime with a failure", "", nil}}},
		{start: baked(nil), clauses: dedicatedLife()},
		{start: baked(nil, "GET", "PUT"), clauses: []clause{{"0-10", "other methods than POST are allowed where the image says so", "", checkMethods}}},
		{start: baked(web), clauses: webLife()},
		{start: baked(raw), clauses: rawLife()},
	}
}

func stemCellLife() []clause {
	return []clause{
		{"0-31", "a run before the init is refused", "", func(s *session) error { return s.refused(`{"activation":{},"value":{}}`) }},
		{"0-32", "a body that is not JSON is answered with an error as JSON", "", func(s *session) error { return s.refused(`not JSON`) }},
		{"0-32", "no body is answered with an error as JSON", "", func(s *session) error { return s.refused(``) }},
		{"0-32", "other paths are answered with an error as JSON", "", func(s *session) error { return s.refusedAt("/no/such/path/here", `{}`) }},
		{"0-01", "/init and /run are not served", "", func(s *session) error {
			return errors.Join(s.refusedAt("/init", `{"value":{}}`), s.refusedAt("/run", `{"value":{}}`))
		}},
		{"0-32", "an init without code is refused", "", checkEmptyCode},
		{"0-04", "init alone is 200 OK", "", checkInitAlone},
		{"0-04", "then activation and value run it", "", func(s *session) error { return s.wantValue(`{"a":1}`, 200, `{"a":1}`) }},
		{"3.1.4", "answers announce their length", "", checkEnvelopeLength},
		{"0-06", "arguments may have the names of init's members", "", checkCollisions},
		{"0-07", "members of activation are __OW_ variables", "", checkActivation},
		{"0-07", "and those of the next request replace them", "", checkNextActivation},
		{"0-07", "the name of the init stands in for an action_name that is empty or missing", "", checkActionName},
		{"3.2.1", "env of the init is there when the code is loaded", "", func(s *session) error {
			return s.wantValue(`{"do":"start"}`, 200, s.started())
		}},
		{"3.10.1", "unicode in source, arguments and result", "", func(s *session) error {
			return s.wantValue(`{"do":"winter","delimiter":"❄"}`, 200, `{"winter":"❄ ❄ ☃"}`)
		}},
		{"3.10.1", "both streams are printed", "", checkPrinted},
		{"3.10.1", "an argument of 1,048,561 characters", "", func(s *session) error {
			value := `{"a":"` + strings.Repeat("a", 1048561) + `"}`
			return s.wantValue(value, 200, value)
		}},
		{"3.3.5", "a result with a member error is not 200", "", checkApplicationError},
		{"3.3.6", "a result that is no object or array fails", "", checkNoObject},
		{"0-04", "a second init is refused, in OpenWhisk's words", "", checkSecondEnvelope},
		{"0-05", "and harms nothing", "", func(s *session) error { return s.wantValue(`{"a":1}`, 200, `{"a":1}`) }},
	}
}

// envelope is a body with an init, further members follow it.
func (s *session) envelope(rest string) (string, error) {
	p := s.samples.Probe
	init, err := json.Marshal(map[string]any{"name": "probe", "main": p.Main, "code": p.Code, "binary": p.Binary,
		"env": map[string]string{"K": "a=b", "EMPTY": ""}})
	return `{"init":` + string(init) + rest + `}`, err
}

func (s *session) refusedAt(path, body string) error {
	r, err := s.post(path, body)
	if err != nil {
		return err
	}
	if r.status < 400 {
		return fmt.Errorf("got %s, want an error", r)
	}
	return r.wantError()
}

func (s *session) refused(body string) error { return s.refusedAt("/", body) }

// postInit may take three times as long as a run.
func (s *session) postInit(rest string) (reply, error) {
	body, err := s.envelope(rest)
	if err != nil {
		return reply{}, err
	}
	return s.ask("POST", "/", map[string]string{"Content-Type": "application/json"}, []byte(body), 3*s.patience)
}

func checkEmptyCode(s *session) error {
	if s.samples.Stub {
		return notApplicable("the kind has a stub")
	}
	return s.refused(`{"init":{"name":"probe","main":"main","code":"","binary":false}}`)
}

func checkInitAlone(s *session) error {
	r, err := s.postInit("")
	if err != nil {
		return err
	}
	return r.want(200, `{"OK":true}`)
}

func (s *session) wantValue(value string, status int, body string) error {
	r, err := s.post("/", `{"activation":{`+members+`},"value":`+value+`}`)
	if err != nil {
		return err
	}
	return r.want(status, body)
}

func checkEnvelopeLength(s *session) error {
	r, err := s.post("/", `{"activation":{},"value":{}}`)
	if err == nil && r.length != int64(len(r.body)) {
		err = fmt.Errorf("Content-Length %d with %d bytes", r.length, len(r.body))
	}
	return err
}

func checkCollisions(s *session) error {
	const value = `{"name":"n","main":"m","code":"c","binary":true,"raw":"r","init":{"name":"i"},"activation":{"namespace":"x"},"value":{"v":1}}`
	return s.wantValue(value, 200, value)
}

func checkInitAndRun(s *session) error {
	r, err := s.postInit(`,"activation":{` + members + `},"value":{"a":1}`)
	if err != nil {
		return err
	}
	return r.want(200, `{"a":1}`)
}

func checkServiceEnv(s *session) error {
	p := s.samples.Probe
	init, err := json.Marshal(map[string]any{"name": "probe", "main": p.Main, "code": p.Code, "binary": p.Binary})
	if err != nil {
		return err
	}
	r, err := s.ask("POST", "/", map[string]string{"Content-Type": "application/json"},
		[]byte(`{"init":`+string(init)+`,"activation":{},"value":{"do":"start"}}`), 3*s.patience)
	if err != nil {
		return err
	}
	return r.want(200, `{"seen":"a=b","empty":""}`)
}

func checkSecondEnvelope(s *session) error {
	r, err := s.postInit("")
	if err != nil {
		return err
	}
	return r.wantFailure(403, protocol.AlreadyInitialized)
}
