package factorytest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoker"
)

func answers() []sentence {
	echo := func(k *Kind) string { return k.Echo }
	return []sentence{
		{"arguments arrive as they were sent", echo, echoes},
		{"a megabyte of arguments arrives", echo, echoesMuch},
		{"environment of the assignment is the action's", func(k *Kind) string { return k.Environment }, seesEnvironment},
		{"code of an archive runs", func(k *Kind) string { return k.Archive }, runsArchive},
		{"a number is answered so that it is no result", func(k *Kind) string { return k.Number }, answersNumber},
		{"a body over the limit is cut and its true length told", func(k *Kind) string { return k.Big }, cutsBody},
		{"code that cannot be loaded is answered with a status of failure", func(k *Kind) string { return k.Broken }, refusesCode},
		{"deadline of init is kept", func(k *Kind) string { return k.HangInInit }, initDeadline},
		{"deadline of run is kept", func(k *Kind) string { return k.Nap }, runDeadline},
		{"cancelling ends a run at once", func(k *Kind) string { return k.Nap }, runCancelled},
	}
}

func echoes(s *session) {
	c := s.loaded(s.kind.Echo, limits())
	for _, args := range []string{
		`{}`, `{"a":1,"b":[true,null,"x"],"c":{"d":1.5}}`, "{\n\"line\":\n\"a\\nb\"}", `{"text":"ünïcödé 漢字 🙂  <&>\"\\\u0001"}`,
	} {
		ans := s.run(c, args)
		s.wantSame(ans.Body, args)
		if ans.Length != int64(len(ans.Body)) {
			s.Errorf("length is %d of %d bytes", ans.Length, len(ans.Body))
		}
	}
}

func echoesMuch(s *session) {
	args := `{"text":"` + strings.Repeat("x", 1<<20-100) + `"}`
	s.wantSame(s.run(s.loaded(s.kind.Echo, limits()), args).Body, args)
}

func seesEnvironment(s *session) {
	c := s.loaded(s.kind.Environment, limits())
	s.wantSame(s.run(c, `{}`).Body, `{"value":"hello \"you\" ünd\n"}`)
}

func runsArchive(s *session) {
	args := `{"from":"archive"}`
	s.wantSame(s.run(s.loaded(s.kind.Archive, limits()), args).Body, args)
}

func answersNumber(s *session) {
	c := s.loaded(s.kind.Number, limits())
	ans, err := c.Run(s.within(patience), s.request(`{}`))
	if err != nil {
		s.Fatal(err)
	}
	v := invoker.ClassifyRun(ans.Status, ans.Body, ans.Length, entity.MaxResultSize)
	if v.Response.Status != entity.DeveloperError {
		s.Errorf("answer %d %s counts as %s", ans.Status, ans.Body, v.Response.Status)
	}
}

func cutsBody(s *session) {
	c := s.loaded(s.kind.Big, limits())
	ans := s.run(c, fmt.Sprintf(`{"size":%d}`, 3*entity.MB))
	if ans.Length <= 3*entity.MB || int64(len(ans.Body)) > entity.MaxResultSize || len(ans.Body) == 0 {
		s.Errorf("%d bytes of %d were kept", len(ans.Body), ans.Length)
	}
	small := s.run(c, `{"size":10}`)
	s.wantSame(small.Body, fmt.Sprintf(`{"text":%q}`, strings.Repeat(letterOf(ans.Body), 10)))
}

// letterOf is what the answers to Big are made of.
func letterOf(body []byte) string { return string(body[len(body)/2]) }

func refusesCode(s *session) {
	ans, err := s.create().Init(s.within(patience), s.assignment(s.kind.Broken, limits()))
	if err != nil || ans.Status == 200 {
		s.Errorf("init: status %d %s, %v", ans.Status, ans.Body, err)
	}
}

// deadline runs f with half a second and wants it to say so in time.
func (s *session) deadline(f func(context.Context) (containerpool.Answer, error)) {
	began := time.Now()
	ans, err := f(s.within(500 * time.Millisecond))
	if !errors.Is(err, context.DeadlineExceeded) {
		s.Errorf("status %d %.100s, error %v, want that of the deadline", ans.Status, ans.Body, err)
	}
	if took := time.Since(began); took > 5*time.Second {
		s.Errorf("it took %s to end at a deadline of 500 ms", took)
	}
}

func initDeadline(s *session) {
	c := s.create()
	s.deadline(func(ctx context.Context) (containerpool.Answer, error) {
		return c.Init(ctx, s.assignment(s.kind.HangInInit, limits()))
	})
}

func runDeadline(s *session) {
	c := s.loaded(s.kind.Nap, limits())
	s.deadline(func(ctx context.Context) (containerpool.Answer, error) {
		return c.Run(ctx, s.request(`{"ms":60000}`))
	})
}

func runCancelled(s *session) {
	c := s.loaded(s.kind.Nap, limits())
	ctx, cancel := context.WithCancel(s.Context())
	time.AfterFunc(200*time.Millisecond, cancel)
	began := time.Now()
	if _, err := c.Run(ctx, s.request(`{"ms":60000}`)); err == nil || time.Since(began) > 5*time.Second {
		s.Errorf("error is %v after %s", err, time.Since(began))
	}
}
