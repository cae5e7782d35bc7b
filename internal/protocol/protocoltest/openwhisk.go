package protocoltest

import (
	"encoding/json"

	"github.com/gowhisk/gowhisk/internal/protocol"
)

// Members of a run, other than its value.
const members = `"namespace":"guest","action_name":"/guest/probe","action_version":"0.0.1","activation_id":"a1","transaction_id":"t1","deadline":"4102444800000","api_key":"key"`

// openwhiskLives are the containers whose lives show that the contract of /init and /run holds.
func openwhiskLives(s Samples) []life {
	return []life{
		{clauses: probeLife()},
		needs(s.Niam, "kind has one entry point only", clause{"3.10.1", "an entry point that is not main", "", checkNiam}),
		needs(s.Broken, "its code is not loaded before a run", clause{"3.2.4", "code that cannot be loaded fails the init, and says so", "", checkBroken},
			clause{"3.10.1", "a good init after code that cannot be loaded", "", checkInitAfterBroken}),
		needs(s.Archive, "kind has no archives", clause{"3.6.9", "code in an archive", "", checkArchive}),
		{clauses: []clause{
			{"3.2.6", "an archive that is broken is refused", "", checkBadArchive},
			{"3.8.5", "an init without code is refused where there is no stub", Skeleton, checkNoStub},
			{"3.8.5", "without an init, or without code, a stub runs", Skeleton, checkStub},
		}},
		{clauses: []clause{{"3.8.6", "an action that exits fails its run", NodeJS, checkExit}}},
		arrayLife(s),
		textLife(s),
		{start: Start{Env: []string{protocol.EnvAllowConcurrent + "=true"}}, clauses: []clause{{"3.3.8", "several runs are in flight where that is allowed", "", checkConcurrent}}},
	}
}

func needs(sample *Sample, missing string, clauses ...clause) life {
	l := life{clauses: clauses}
	if sample == nil {
		l.missing = "the " + missing
	}
	return l
}

// arrayLife is for languages whose entry point is typed; the others are asked in the probe's life.
func arrayLife(s Samples) life {
	l := life{clauses: []clause{{"3.3.2", "arrays are arguments and results, in an action made for them", "", checkArraySample}}}
	if s.Array == nil {
		l.missing = "the same action takes objects and arrays"
	}
	return l
}

func textLife(s Samples) life {
	l := life{clauses: []clause{{"3.3.6", "a result that is no object fails, in an action made for it", "", checkTextSample}}}
	if s.Text == nil {
		l.missing = "the same action returns objects and texts"
	}
	return l
}

// initialize is POST /init with a sample.
func (s *session) initialize(sample *Sample, env protocol.Env) (reply, error) {
	body, err := json.Marshal(protocol.InitRequest{Value: protocol.Init{Name: "probe", Main: sample.Main, Code: sample.Code, Binary: sample.Binary, Env: env}})
	if err != nil {
		return reply{}, err
	}
	return s.init(string(body))
}

// init is POST /init; it may take three times as long as a run, as code may be compiled.
func (s *session) init(body string) (reply, error) {
	return s.ask("POST", "/init", map[string]string{"Content-Type": "application/json"}, []byte(body), 3*s.patience)
}

// run is POST /run, or what the platform has for it.
func (s *session) run(value string) (reply, error) {
	return s.post("/run", `{"value":`+value+`,`+members+`}`)
}

// wantRun judges a run.
func (s *session) wantRun(value string, status int, body string) error {
	r, err := s.run(value)
	if err != nil {
		return err
	}
	return r.want(status, body)
}
