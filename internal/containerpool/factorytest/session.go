package factorytest

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/protocol"
)

// patience bounds everything that must end by itself.
const patience = 30 * time.Second

// session is one sub-test with one kind.
type session struct {
	*testing.T
	factory containerpool.Factory
	kind    *Kind
	mint    entity.Mint
}

// limits of the actions: small, so that their ends are near.
func limits() entity.Limits {
	return entity.Limits{Timeout: patience, Memory: 128, Logs: 1, Concurrency: 1}
}

func (s *session) within(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(s.Context(), d)
	s.Cleanup(cancel)
	return ctx
}

// create makes a container that is destroyed at the end of the test.
func (s *session) create() containerpool.Container {
	s.Helper()
	c, err := s.factory.Create(s.within(patience), containerpool.Spec{Kind: s.kind.Kind, Image: s.kind.Image})
	if err != nil {
		s.Fatalf("create: %v", err)
	}
	s.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := c.Destroy(ctx, "test is over"); err != nil {
			s.Errorf("destroy: %v", err)
		}
	})
	return c
}

// assignment of an action with that code.
func (s *session) assignment(code string, l entity.Limits) containerpool.Assignment {
	env := map[string]string{
		"GREETING": "hello \"you\" ünd\n", "__OW_NAMESPACE": "guest", "__OW_ACTION_NAME": "/guest/certified",
		"__OW_ACTION_VERSION": "0.0.1", "__OW_ACTIVATION_ID": strings.Repeat("0", 32),
	}
	if l.Concurrency > 1 {
		env[protocol.EnvAllowConcurrent] = "true"
	}
	return containerpool.Assignment{
		Action: &entity.Action{
			Name: entity.Name{Namespace: "guest", Name: "certified"}, Version: entity.FirstVersion, Limits: l, Revision: 1,
			Exec: entity.Exec{
				Kind: s.kind.Kind, Image: s.kind.Image, Main: s.kind.Main, Binary: entity.LooksBinary(code),
				CodeID: fmt.Sprintf("%x", sha256.Sum256([]byte(code))),
			},
		},
		Code: code, Env: env,
	}
}

// loaded is a container with that code.
func (s *session) loaded(code string, l entity.Limits) containerpool.Container {
	s.Helper()
	c := s.create()
	ans, err := c.Init(s.within(patience), s.assignment(code, l))
	if err != nil || ans.Status != 200 {
		s.Fatalf("init: status %d %s, %v", ans.Status, ans.Body, err)
	}
	return c
}

func (s *session) request(args string) *protocol.RunRequest {
	return &protocol.RunRequest{
		Value: json.RawMessage(args), Namespace: "guest", ActionName: "/guest/certified", ActionVersion: "0.0.1",
		ActivationID: string(s.mint.New(time.Now())), TransactionID: "tid", Deadline: time.Now().Add(patience),
	}
}

// run fails the test if the container does not answer with status 200.
func (s *session) run(c containerpool.Container, args string) containerpool.Answer {
	s.Helper()
	ans, err := c.Run(s.within(patience), s.request(args))
	if err != nil || ans.Status != 200 {
		s.Fatalf("run: status %d %s, %v", ans.Status, ans.Body, err)
	}
	return ans
}

// wantSame compares two JSON texts by meaning.
func (s *session) wantSame(got []byte, want string) {
	s.Helper()
	var a, b any
	if err := json.Unmarshal(got, &a); err != nil {
		s.Errorf("answer %.200q: %v", got, err)
		return
	}
	if err := json.Unmarshal([]byte(want), &b); err != nil {
		s.Fatal(err)
	}
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	if string(x) != string(y) {
		s.Errorf("answer is %.200s, want %.200s", x, y)
	}
}
