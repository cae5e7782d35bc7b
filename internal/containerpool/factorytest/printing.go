package factorytest

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/entity"
)

func printing() []sentence {
	lines := func(k *Kind) string { return k.Lines }
	return []sentence{
		{"logs hold every line in the order of its stream", lines, logsAreComplete},
		{"logs hold what was printed since the last call only", lines, logsAreTakenOnce},
		{"logs over the limit are cut and marked", lines, logsAreCut},
		{"logs of an action that exits hold what it printed before", func(k *Kind) string { return k.ExitInRun }, logsOfTheDead},
	}
}

// stream returns the texts of one stream, and wants every line to be stamped.
func (s *session) stream(l containerpool.Logs, name string) []string {
	s.Helper()
	var out []string
	for _, line := range l.Lines {
		stamp, rest, _ := strings.Cut(line, " ")
		if _, err := time.Parse(time.RFC3339Nano, stamp); err != nil || len(stamp) != 30 {
			s.Fatalf("line %.100q has no stamp of 30 characters", line)
		}
		if text, ours := strings.CutPrefix(rest, name+": "); ours {
			out = append(out, text)
		}
	}
	return out
}

func (s *session) wantLines(l containerpool.Logs, n int) {
	s.Helper()
	for name, word := range map[string]string{"stdout": "out", "stderr": "err"} {
		var got []string
		for _, text := range s.stream(l, name) {
			if !strings.HasPrefix(text, word+" ") {
				s.Errorf("the runtime itself printed %.200q", text)
				continue
			}
			got = append(got, text)
		}
		if len(got) != n {
			s.Errorf("%d lines on %s, want %d", len(got), name, n)
			continue
		}
		for i, text := range got {
			if want := fmt.Sprintf("%s %d", word, i+1); text != want {
				s.Errorf("line %d of %s is %.100q, want %q", i, name, text, want)
				break
			}
		}
	}
}

func (s *session) logs(c containerpool.Container, id string) containerpool.Logs {
	return c.Logs(s.within(patience), entity.ActivationID(id))
}

// printed runs the action and returns its logs.
func (s *session) printed(c containerpool.Container, args string) containerpool.Logs {
	s.Helper()
	req := s.request(args)
	if ans, err := c.Run(s.within(patience), req); err != nil || ans.Status != 200 {
		s.Fatalf("run: status %d %s, %v", ans.Status, ans.Body, err)
	}
	return s.logs(c, req.ActivationID)
}

func logsAreComplete(s *session) {
	l := s.printed(s.loaded(s.kind.Lines, limits()), `{"n":500}`)
	s.wantLines(l, 500)
	if l.Truncated || l.Broken {
		s.Errorf("logs are truncated %v, broken %v", l.Truncated, l.Broken)
	}
}

func logsAreTakenOnce(s *session) {
	c := s.loaded(s.kind.Lines, limits())
	for _, n := range []int{3, 0, 5, 1} {
		s.wantLines(s.printed(c, fmt.Sprintf(`{"n":%d}`, n)), n)
	}
}

func logsAreCut(s *session) {
	l := s.printed(s.loaded(s.kind.Lines, limits()), `{"n":100000}`)
	size := 0
	for _, line := range l.Lines {
		size += len(line)
	}
	if !l.Truncated || int64(size) > 2*entity.MB || len(l.Lines) == 0 {
		s.Errorf("%d bytes in %d lines, truncated %v, with a limit of 1 MB", size, len(l.Lines), l.Truncated)
	}
}

func logsOfTheDead(s *session) {
	c := s.loaded(s.kind.ExitInRun, limits())
	req := s.request(`{}`)
	_, err := c.Run(s.within(patience), req)
	s.wantFailure(err, containerpool.Exited)
	s.stream(s.logs(c, req.ActivationID), "stdout") // must come, whatever it holds
}

// printsApart wants concurrent runs to have their own lines.
func printsApart(s *session, c containerpool.Container, runs int) {
	var all sync.WaitGroup
	for n := 1; n <= runs; n++ {
		all.Go(func() {
			req := s.request(fmt.Sprintf(`{"n":%d}`, n))
			if ans, err := c.Run(s.within(patience), req); err != nil || ans.Status != 200 {
				s.Errorf("run: status %d %s, %v", ans.Status, ans.Body, err)
				return
			}
			s.logs(c, req.ActivationID)
		})
	}
	all.Wait()
}
