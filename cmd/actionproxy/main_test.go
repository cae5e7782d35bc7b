package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain lets this binary be actionproxy itself, also as the launcher that it starts.
func TestMain(m *testing.M) {
	if os.Getenv("BE_ACTIONPROXY") != "" {
		main()
	}
	os.Exit(m.Run())
}

func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Env = []string{"BE_ACTIONPROXY=1", "PATH=/usr/local/bin:/usr/bin:/bin", "TMPDIR=" + t.TempDir()}
	return cmd
}

func TestWrongSettingsEndTheProgramWithAReason(t *testing.T) {
	for _, tc := range []struct {
		name   string
		args   []string
		env    string
		status int
		want   string
	}{
		{"no kind", nil, "", 1, "no kind: say which with --kind"},
		{"unknown kind", []string{"--kind", "cobol"}, "", 1, `kind "cobol" is not known: use one of nodejs`},
		{"unknown version", []string{"--kind", "nodejs:1"}, "", 1, `kind "nodejs:1" is neither in the manifest nor on this host`},
		{"missing version", []string{"--kind", "ruby:2.5"}, "", 1, `kind "ruby:2.5" can not run here`},
		{"unknown platform", []string{"--kind", "bash"}, "__OW_RUNTIME_PLATFORM=moon", 9, `platform "moon" is not supported`},
		{"argument", []string{"--kind", "bash", "x"}, "", 1, `unexpected argument "x"`},
		{"unknown flag", []string{"--nope"}, "", 1, "flag provided but not defined"},
		{"address in use", []string{"--kind", "blackbox", "--listen", "256.0.0.1:1"}, "", 1, "listen"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cmd := command(t, tc.args...)
			cmd.Env = append(cmd.Env, tc.env)
			out, err := cmd.CombinedOutput()
			var status *exec.ExitError
			if !errors.As(err, &status) || status.ExitCode() != tc.status || !strings.Contains(string(out), tc.want) {
				t.Errorf("got %v\n%s", err, out)
			}
		})
	}
}

// freeAddress is one on which nobody listens now.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// post retries until somebody listens.
func post(t *testing.T, url, body string) (int, string) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		res, err := http.Post(url, "application/json", strings.NewReader(body))
		if errors.Is(err, syscall.ECONNREFUSED) && t.Context().Err() == nil {
			continue
		}
		if err != nil {
			t.Error(err)
			return 0, ""
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Error(err)
		}
		return res.StatusCode, string(text)
	}
	return 0, ""
}

func TestServesAKindAndEndsRunsBeforeItStops(t *testing.T) {
	address := freeAddress(t)
	dir := t.TempDir()
	started, goOn := filepath.Join(dir, "started"), filepath.Join(dir, "go")
	for _, pipe := range []string{started, goOn} {
		if err := syscall.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := command(t, "--kind", "bash", "--listen", address)
	cmd.Env = append(cmd.Env, "__OW_API_HOST=http://api")
	var out, logs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &logs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	status, body := post(t, "http://"+address+"/init", `{"value":{"code":"echo > `+started+`; read x < `+goOn+`; echo \"{\\\"host\\\":\\\"$__OW_API_HOST\\\"}\""}}`)
	if status != 200 {
		t.Fatalf("init: %d %s", status, body)
	}
	done := make(chan string)
	go func() {
		_, body := post(t, "http://"+address+"/run", `{"value":{}}`)
		done <- body
	}()
	if _, err := os.ReadFile(started); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(goOn, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := <-done; got != `{"host":"http://api"}` {
		t.Errorf("got %s", got)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("exit: %v\n%s%s", err, &out, &logs)
	}
}

func TestPortOfTheEnvironmentIsHonoured(t *testing.T) {
	_, port, err := net.SplitHostPort(freeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	cmd := command(t, "--kind", "blackbox")
	cmd.Env = append(cmd.Env, "PORT="+port)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if status, body := post(t, "http://127.0.0.1:"+port+"/run", `{"value":{}}`); status != 200 || !strings.Contains(body, "stub action") {
		t.Errorf("got %d %s", status, body)
	}
	if err := errors.Join(cmd.Process.Signal(syscall.SIGTERM), cmd.Wait()); err != nil {
		t.Error(err)
	}
}

// Half a request is ten seconds' worth.
func TestClientsThatSendNothingAreNotWaitedForLong(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	cmd := command(t, "--kind", "blackbox", "--listen", address)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it has no other end
		_ = cmd.Wait()
	})
	post(t, "http://"+address+"/run", `{}`)
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST /run HTTP/1.1\r\nHost: a\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(40 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(conn); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection is open after 40 s")
	}
}
