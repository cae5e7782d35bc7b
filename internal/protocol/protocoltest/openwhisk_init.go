package protocoltest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gowhisk/gowhisk/internal/protocol"
)

// startEnv comes with the init of the probe.
func startEnv() protocol.Env {
	return protocol.Env{"K": "a=b", "EMPTY": "", "__OW_NAMESPACE": "guest"}
}

// initClauses lead to an initialized probe.
func initClauses() []clause {
	return []clause{
		{"3.7.1", "a run before the init is 403 System not initialized.", NodeJS, runIs(403, protocol.NodeNotInitialized)},
		{"3.6.6", "a run before the init is 500 no action defined yet", ActionLoop, runIs(500, protocol.NotInitialized)},
		{"3.8.5", "a run before the init runs the stub", Skeleton, func(s *session) error {
			if err := s.needStub(); err != nil {
				return err
			}
			return s.wantRun(`{}`, 200, `{"error":`+quote(protocol.StubAction)+`}`)
		}},
		{"3.10.1", "an init without content is refused", "", func(s *session) error {
			r, err := s.init(`{}`)
			return errors.Join(err, ifNil(err, r.wantError))
		}},
		{"3.2.6", "an init that is not JSON is refused", "", func(s *session) error {
			r, err := s.init(`not JSON`)
			return errors.Join(err, ifNil(err, r.wantError))
		}},
		{"3.7.1", "an init that is not JSON is 500 Bad request.", NodeJS, func(s *session) error { return s.wantInit(`not JSON`, 500, protocol.BadRequest) }},
		{"3.6.5", "an init that is not JSON is 400 Error unmarshaling request", ActionLoop, checkUnmarshal},
		{"3.7.1", "an init without code is 403 Missing main/no code", NodeJS, checkNoCode},
		{"3.6.5", "an init without code is 403 Missing main/no code", ActionLoop, checkNoCode},
		{"3.6.5", "an init with wrong base64 is refused", ActionLoop, func(s *session) error {
			r, err := s.init(`{"value":{"name":"probe","main":"main","code":"!","binary":true}}`)
			return errors.Join(err, ifNil(err, r.wantError))
		}},
		{"3.10.1", "a good init after those is 200", "", func(s *session) error {
			r, err := s.initialize(s.samples.Probe, startEnv())
			if err == nil && r.status != 200 {
				err = fmt.Errorf("got %s, want 200", r)
			}
			return err
		}},
	}
}

// ifNil calls f where there was no error before.
func ifNil(err error, f func() error) error {
	if err != nil {
		return nil
	}
	return f()
}

func runIs(status int, text string) func(*session) error {
	return func(s *session) error { return s.wantRun(`{}`, status, `{"error":`+quote(text)+`}`) }
}

func (s *session) wantInit(body string, status int, text string) error {
	r, err := s.init(body)
	if err != nil {
		return err
	}
	return r.wantFailure(status, text)
}

func checkNoCode(s *session) error {
	return s.wantInit(`{"value":{"name":"probe","main":"main","code":"","binary":false}}`, 403, protocol.NoCode)
}

func checkUnmarshal(s *session) error {
	r, err := s.init(`not JSON`)
	if err != nil {
		return err
	}
	if r.status != 400 || !strings.Contains(string(r.body), protocol.BadBody) {
		return fmt.Errorf("got %s, want 400 with %q", r, protocol.BadBody)
	}
	return r.wantError()
}

func checkNiam(s *session) error {
	return s.initAndRun(s.samples.Niam, `{}`, 200, `{"niam":true}`)
}

func checkArchive(s *session) error {
	return s.initAndRun(s.samples.Archive, `{"a":1}`, 200, `{"a":1}`)
}

func checkArraySample(s *session) error {
	return s.initAndRun(s.samples.Array, arrayValue, 200, arrayValue)
}

func (s *session) initAndRun(sample *Sample, value string, status int, body string) error {
	r, err := s.initialize(sample, nil)
	if err != nil {
		return err
	}
	if r.status != 200 {
		return fmt.Errorf("init: got %s, want 200", r)
	}
	return s.wantRun(value, status, body)
}

func checkBroken(s *session) error {
	r, err := s.initialize(s.samples.Broken, nil)
	if err != nil {
		return err
	}
	return r.wantError()
}

func checkInitAfterBroken(s *session) error {
	return s.initAndRun(s.samples.Probe, `{"a":1}`, 200, `{"a":1}`)
}

func checkBadArchive(s *session) error {
	r, err := s.init(`{"value":{"name":"probe","main":"main","code":"UEsDBGJyb2tlbg==","binary":true}}`)
	if err != nil {
		return err
	}
	return r.wantError()
}

// needStub is the reason why a clause about the stub says nothing.
func (s *session) needStub() error {
	if !s.samples.Stub {
		return notApplicable("the kind needs code")
	}
	return nil
}

func checkNoStub(s *session) error {
	if s.samples.Stub {
		return notApplicable("the kind has a stub")
	}
	r, err := s.init(`{"value":{"name":"probe","main":"main","code":"","binary":false}}`)
	return errors.Join(err, ifNil(err, r.wantError))
}

func checkStub(s *session) error {
	if err := s.needStub(); err != nil {
		return err
	}
	if r, err := s.init(`{"value":{"name":"probe","main":"main","binary":false}}`); err != nil || r.status != 200 {
		return errors.Join(err, ifNil(err, func() error { return fmt.Errorf("init without code: got %s, want 200", r) }))
	}
	return s.wantRun(`{}`, 200, `{"error":`+quote(protocol.StubAction)+`}`)
}
