package actionproxy_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/protocol"
)

// shell starts a launcher written for sh: it has acknowledged its boot and its init.
func shell(t *testing.T, script string, opts actionproxy.Options) *actionproxy.Child {
	t.Helper()
	c := start(t, exec.Command("bash", "-c", `echo '{"ok":true}' >&3; read init; echo '{"ok":true}' >&3; `+script), opts)
	initialize(t, c, &protocol.Init{Name: "a", Main: "main"})
	return c
}

func start(t testing.TB, cmd *exec.Cmd, opts actionproxy.Options) *actionproxy.Child {
	t.Helper()
	c, err := actionproxy.Start(cmd, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return c
}

func initialize(t testing.TB, c *actionproxy.Child, in *protocol.Init) {
	t.Helper()
	got, err := c.Init(bounded(t), in)
	if err != nil || got.Status != 200 {
		t.Fatalf("init: %d %s, %v\n%s", got.Status, got.Body, err, strings.Join(c.TakeLogs().Lines, "\n"))
	}
}

// bounded ends long after every test should have.
func bounded(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func request(value string) *protocol.RunRequest {
	return &protocol.RunRequest{Value: json.RawMessage(value), Namespace: "guest", ActionName: "/guest/a",
		ActionVersion: "0.0.1", ActivationID: "a1", TransactionID: "t1", Deadline: time.UnixMilli(1900000000000)}
}

func run(t testing.TB, c *actionproxy.Child, value string) actionproxy.Answer {
	t.Helper()
	got, err := c.Run(bounded(t), request(value))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func want(t testing.TB, got actionproxy.Answer, status int, body string) {
	t.Helper()
	if got.Status != status || string(got.Body) != body {
		t.Errorf("got %d %.300s, want %d %.300s", got.Status, got.Body, status, body)
	}
}

func TestRunSendsTheBodyAndReturnsTheAnswer(t *testing.T) {
	c := shell(t, `while read -r line; do echo "$line" >&3; done`, actionproxy.Options{})
	got := run(t, c, "{\"a\":\n \"b=c\\n\"}")
	want(t, got, 200, string(request(`{"a": "b=c\n"}`).Append(nil)))
	want(t, run(t, c, `[1]`), 200, string(request(`[1]`).Append(nil)))
}

func TestStatusOfAnAnswerIsNoError(t *testing.T) {
	c := shell(t, `read line; echo '!502 {"error":"x"}' >&3; read line; echo '{"ok":1}' >&3; read line`, actionproxy.Options{})
	want(t, run(t, c, `{}`), 502, `{"error":"x"}`)
	want(t, run(t, c, `{}`), 200, `{"ok":1}`)
}

func TestBootThatSaysSomethingElseIsAnError(t *testing.T) {
	for _, script := range []string{`echo hello >&3; read line`, `echo '{"ok":false}' >&3; read line`} {
		c := start(t, exec.Command("bash", "-c", script), actionproxy.Options{})
		if err := c.Ready(bounded(t)); !errors.Is(err, actionproxy.ErrOutOfStep) {
			t.Errorf("%s: got %v", script, err)
		}
	}
	c := start(t, exec.Command("bash", "-c", `exit 1`), actionproxy.Options{})
	if err := c.Ready(bounded(t)); !errors.Is(err, actionproxy.ErrExited) {
		t.Errorf("exit: got %v", err)
	}
}

func TestInitAnswers(t *testing.T) {
	for _, tc := range []struct {
		name, answer string
		status       int
		body         string
	}{
		{"acknowledged in any spelling", `{ "ok" : true }`, 200, `{ "ok" : true }`},
		{"refused by the action", `{"ok":false}`, 502, `{"error":"The action did not initialize properly."}`},
		{"an error line", `!502 {"error":"no"}`, 502, `{"error":"no"}`},
		{"garbage", `hello`, 502, `{"error":"The action did not initialize properly."}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cmd := exec.Command("bash", "-c", `echo '{"ok":true}' >&3; read l; echo "$ANSWER" >&3; read l`)
			cmd.Env = append(os.Environ(), "ANSWER="+tc.answer)
			c := start(t, cmd, actionproxy.Options{})
			got, err := c.Init(bounded(t), &protocol.Init{})
			if err != nil {
				t.Fatal(err)
			}
			want(t, got, tc.status, tc.body)
		})
	}
}

func TestEndOfTheProcessIsErrExited(t *testing.T) {
	for _, tc := range []struct{ name, script string }{
		{"before it answers", `read line; exit 3`},
		{"in the middle of an answer", `read line; printf '{"half":' >&3; exit 0`},
		{"closes its answers", `read line; exec 3>&-; sleep 100`},
		{"is killed", `read line; kill -9 $$`},
		{"leaves a child that holds everything open", `read line; sleep 100 & exit 1`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := shell(t, tc.script, actionproxy.Options{})
			if _, err := c.Run(bounded(t), request(`{}`)); !errors.Is(err, actionproxy.ErrExited) {
				t.Fatalf("got %v", err)
			}
			<-c.Done()
			if _, err := c.Run(bounded(t), request(`{}`)); !errors.Is(err, actionproxy.ErrExited) {
				t.Errorf("next run: got %v", err)
			}
		})
	}
}

func TestProcessThatDiedWhileIdleFailsTheNextRunAtOnce(t *testing.T) {
	c := shell(t, `echo bye; exit 0`, actionproxy.Options{})
	<-c.Done()
	if _, err := c.Run(context.Background(), request(`{}`)); !errors.Is(err, actionproxy.ErrExited) {
		t.Errorf("got %v", err)
	}
	if !errors.Is(c.Err(), actionproxy.ErrExited) {
		t.Errorf("state: %v", c.Err())
	}
}

func TestARequestThatIsStillInThePipeWasCertainlyNotRead(t *testing.T) {
	for _, tc := range []struct {
		name, script string
		unread       bool
	}{
		{"it reads no more and ends later", `read line; echo '{}' >&3; sleep 0.1; exit 3`, true},
		{"it reads a part", `read line; echo '{}' >&3; head -c 5 >/dev/null; exit 3`, false},
		{"it reads all", `read line; echo '{}' >&3; read line; exit 3`, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := shell(t, tc.script, actionproxy.Options{})
			want(t, run(t, c, `{}`), 200, `{}`)
			_, err := c.Run(bounded(t), request(`{}`))
			if !errors.Is(err, actionproxy.ErrExited) || errors.Is(err, actionproxy.ErrUnread) != tc.unread {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAnswerJustBeforeTheEndIsTaken(t *testing.T) {
	for range 20 {
		c := shell(t, `read line; echo '{"last":1}' >&3; exit 0`, actionproxy.Options{})
		want(t, run(t, c, `{}`), 200, `{"last":1}`)
	}
}

func TestRunThatIsGivenUpSpoilsTheProcess(t *testing.T) {
	c := shell(t, `read line; read line; echo '{}' >&3`, actionproxy.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.Run(ctx, request(`{}`)); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	if _, err := c.Run(bounded(t), request(`{}`)); !errors.Is(err, actionproxy.ErrAbandoned) {
		t.Errorf("next run: got %v", err)
	}
}

func TestRunGivesUpOnAProcessThatDoesNotRead(t *testing.T) {
	c := shell(t, `sleep 100`, actionproxy.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	big := `{"a":"` + strings.Repeat("x", 1<<20) + `"}`
	if _, err := c.Run(ctx, request(big)); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	if _, err := c.Run(bounded(t), request(`{}`)); !errors.Is(err, actionproxy.ErrAbandoned) {
		t.Errorf("next run: got %v", err)
	}
}

func TestAnswerThatNobodyAskedForSpoilsTheProcess(t *testing.T) {
	c := shell(t, `read line; printf '{"n":1}\n{"n":2}\n' | head -c 16 >&3; read line`, actionproxy.Options{})
	want(t, run(t, c, `{}`), 200, `{"n":1}`)
	if _, err := c.Run(bounded(t), request(`{}`)); !errors.Is(err, actionproxy.ErrOutOfStep) {
		t.Errorf("got %v", err)
	}
}

func TestMalformedAnswerIsAnError(t *testing.T) {
	for _, line := range []string{``, `!5 {}`, `@ x`} {
		c := shell(t, `read line; echo '`+line+`' >&3; read line`, actionproxy.Options{})
		if _, err := c.Run(bounded(t), request(`{}`)); !errors.Is(err, actionproxy.ErrOutOfStep) {
			t.Errorf("%q: got %v", line, err)
		}
	}
}

func TestAnswersOfAnActionLoopProgramAreChecked(t *testing.T) {
	deep := strings.Repeat("[", 100000) + strings.Repeat("]", 100000)
	for _, body := range []string{`hello`, `null`, `1`, `"x"`, `{"a":NaN}`, `{}{}`, deep} {
		dir := t.TempDir()
		if err := os.WriteFile(dir+"/answer", []byte(body+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("bash", "-c", `echo '{"ok":true}' >&3; read l; echo '{"ok":true}' >&3; read l; cat answer >&3; read l`)
		cmd.Dir = dir
		c := start(t, cmd, actionproxy.Options{ActionLoop: true})
		initialize(t, c, &protocol.Init{})
		want(t, run(t, c, `{}`), 502, `{"error":"The action did not return a dictionary or array."}`)
	}
}

func TestInvalidUTF8IsReplaced(t *testing.T) {
	c := shell(t, `read l; printf '{"a":"\xff\xfe"}\n' >&3; printf 'log\xff\n'; read l`, actionproxy.Options{})
	want(t, run(t, c, `{}`), 200, "{\"a\":\"\ufffd\"}")
}

func TestLongAnswerIsCutAndCounted(t *testing.T) {
	c := shell(t, `read l; head -c 5000000 /dev/zero | tr '\0' x >&3; echo >&3; read l; echo '{}' >&3; read l`,
		actionproxy.Options{Limits: actionproxy.Limits{Answer: 1000}})
	got := run(t, c, `{}`)
	if !got.Truncated || got.Length != 5000000 || string(got.Body) != strings.Repeat("x", 1000) {
		t.Errorf("got truncated %v, length %d, body of %d", got.Truncated, got.Length, len(got.Body))
	}
	want(t, run(t, c, `{}`), 200, `{}`)
}

func TestAnswerAtTheLimitIsWhole(t *testing.T) {
	for _, n := range []int{999, 1000, 1001} {
		c := shell(t, fmt.Sprintf(`read l; printf '!200 %%s\n' "$(head -c %d /dev/zero | tr '\0' x)" >&3; read l`, n),
			actionproxy.Options{Limits: actionproxy.Limits{Answer: 1000}})
		got := run(t, c, `{}`)
		if got.Truncated != (n > 1000) || got.Length != n || len(got.Body) != min(n, 1000) {
			t.Errorf("%d: got truncated %v, length %d, body of %d", n, got.Truncated, got.Length, len(got.Body))
		}
	}
}

func TestLogsOfARunAreCompleteWhenItIsAnswered(t *testing.T) {
	c := shell(t, `while read -r l; do for i in $(seq 300); do echo "out $i"; echo "err $i" >&2; done; printf tail; echo '{}' >&3; done`,
		actionproxy.Options{})
	for range 5 {
		want(t, run(t, c, `{}`), 200, `{}`)
		var out, err []string
		for _, line := range c.TakeLogs().Lines {
			stamp, text, _ := strings.Cut(line, " ")
			if _, e := time.Parse("2006-01-02T15:04:05.000000000Z", stamp); e != nil || len(stamp) != 30 {
				t.Fatalf("timestamp of %q: %v", line, e)
			}
			if text, ok := strings.CutPrefix(text, "stdout: "); ok {
				out = append(out, text)
			} else if text, ok := strings.CutPrefix(text, "stderr: "); ok {
				err = append(err, text)
			} else {
				t.Fatalf("stream of %q", line)
			}
		}
		if len(out) != 301 || out[0] != "out 1" || out[299] != "out 300" || out[300] != "tail" {
			t.Fatalf("stdout: %d lines, last %q", len(out), out[len(out)-1])
		}
		if len(err) != 300 || err[0] != "err 1" || err[299] != "err 300" {
			t.Fatalf("stderr: %d lines", len(err))
		}
	}
}

func TestLogsAreCutAtTheLimit(t *testing.T) {
	for _, tc := range []struct {
		name, script string
		limit        int // counts 40 bytes of each line beside its text
		kept         int // bytes of text with line feeds
		truncated    bool
	}{
		{"a hundred megabytes of lines", `yes 123456789 | head -c 100000000`, 4900, 1000, true},
		{"one long line", `head -c 3000000 /dev/zero | tr '\0' x`, 1040, 1001, true},
		{"exactly the limit", `yes 123456789 | head -c 1000`, 4900, 1000, false},
		{"a hundred megabytes of empty lines", `yes '' | head -c 100000000`, 4000, 100, true},
		{"no logs wanted", `yes 123456789 | head -c 100000`, -1, 0, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := shell(t, `while read -r l; do `+tc.script+`; echo '{}' >&3; done`,
				actionproxy.Options{Limits: actionproxy.Limits{Logs: tc.limit}})
			for range 2 {
				want(t, run(t, c, `{}`), 200, `{}`)
				logs := c.TakeLogs()
				kept := 0
				for _, line := range logs.Lines {
					kept += len(line) - len("2006-01-02T15:04:05.000000000Z stdout: ") + 1
				}
				if kept != tc.kept || logs.Truncated != tc.truncated {
					t.Errorf("kept %d, truncated %v", kept, logs.Truncated)
				}
			}
		})
	}
}

func TestChildThatGoesOnWritingDoesNotHoldUpTheAnswer(t *testing.T) {
	c := shell(t, `yes noise & while read -r l; do echo '{}' >&3; done`, actionproxy.Options{Limits: actionproxy.Limits{Logs: 5000}})
	for range 5 {
		want(t, run(t, c, `{}`), 200, `{}`)
		c.TakeLogs()
	}
}

func TestRunsTakeTurns(t *testing.T) {
	c := shell(t, `n=0; while read -r l; do n=$((n+1)); echo "{\"n\":$n}" >&3; done`, actionproxy.Options{})
	const runs = 20
	bodies := make(chan string, runs)
	for range runs {
		go func() {
			got, err := c.Run(t.Context(), request(`{}`))
			if err != nil {
				t.Error(err)
			}
			bodies <- string(got.Body)
		}()
	}
	seen := map[string]bool{}
	for range runs {
		seen[<-bodies] = true
	}
	if len(seen) != runs {
		t.Errorf("%d distinct answers of %d", len(seen), runs)
	}
}

func TestConcurrentRunsAreToldApartByID(t *testing.T) {
	// Answers pairs of runs in reverse order.
	c := start(t, exec.Command("bash", "-c", `echo '{"ok":true}' >&3; read l; echo '{"ok":true}' >&3
		id() { l=${1#*activation_id\":\"}; echo "${l%%\"*}"; }
		while read -r a && read -r b; do echo "@$(id "$b") {\"id\":\"$(id "$b")\"}" >&3; echo "@late {}" >&3; echo "@$(id "$a") {\"id\":\"$(id "$a")\"}" >&3; done`),
		actionproxy.Options{})
	initialize(t, c, &protocol.Init{Env: protocol.Env{protocol.EnvAllowConcurrent: "true"}})
	const runs = 20
	failures := make(chan error, runs)
	for i := range runs {
		go func() {
			req := request(`{}`)
			req.ActivationID = fmt.Sprintf("id%d", i)
			got, err := c.Run(t.Context(), req)
			if err == nil && string(got.Body) != `{"id":"`+req.ActivationID+`"}` {
				err = fmt.Errorf("%s got %s", req.ActivationID, got.Body)
			}
			failures <- err
		}()
	}
	for range runs {
		if err := <-failures; err != nil {
			t.Error(err)
		}
	}
}

func TestConcurrentRunThatIsGivenUpSpoilsNoOther(t *testing.T) {
	c := start(t, exec.Command("bash", "-c", `echo '{"ok":true}' >&3; read l; echo '{"ok":true}' >&3
		read l; read l; echo '@slow {}' >&3; echo '@fast {"a":1}' >&3; read l`), actionproxy.Options{})
	initialize(t, c, &protocol.Init{Env: protocol.Env{protocol.EnvAllowConcurrent: "true"}})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	slow, fast := request(`{}`), request(`{}`)
	slow.ActivationID, fast.ActivationID = "slow", "fast"
	if _, err := c.Run(ctx, slow); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	got, err := c.Run(bounded(t), fast)
	if err != nil {
		t.Fatal(err)
	}
	want(t, got, 200, `{"a":1}`)
}

func TestLargeRequestGoesThrough(t *testing.T) {
	c := shell(t, `while read -r l; do echo "{\"n\":${#l}}" >&3; done`, actionproxy.Options{})
	value := `{"a":"` + strings.Repeat("x", 1<<20) + `"}`
	want(t, run(t, c, value), 200, fmt.Sprintf(`{"n":%d}`, len(request(value).Append(nil))))
}

func TestStopEndsWhatTheLauncherStarted(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd := exec.Command("bash", "-c", `sleep 1000 & echo '{"ok":true}' >&3; read l`)
	cmd.Stderr = w
	c := start(t, cmd, actionproxy.Options{})
	if err := errors.Join(c.Ready(bounded(t)), w.Close(), c.Stop(), r.SetReadDeadline(time.Now().Add(30*time.Second))); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("a child of the launcher still holds its stderr: %v", err)
	}
}
