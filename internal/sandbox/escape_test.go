package sandbox_test

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/sandbox"
)

func TestNoAttemptToEscapeSucceeds(t *testing.T) {
	eachTier(t, func(t *testing.T, tier sandbox.Tier) {
		h := newHost(t, tier, sandbox.Policy{})
		secret := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(secret, []byte("secret"), 0o644); err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
		s := probe(t, "escape", secret, port, strconv.Itoa(os.Getpid()))
		s.Limits = sandbox.Limits{Memory: 512 * mega, Pids: 128}
		exit, out := start(t, h, s).finish()
		held := strings.Count(out, "held\t")
		for line := range strings.Lines(out) {
			if !strings.HasPrefix(line, "held\t") {
				t.Error(line)
			}
		}
		if exit.Code != 0 || held < 60 {
			t.Errorf("exit %+v after %d attempts that failed", exit, held)
		}
		t.Logf("%d attempts, all failed", held)
	})
}

func TestNoAttemptToEscapeSucceedsAsPlainUser(t *testing.T) {
	asPlainUser(t, "^TestNoAttemptToEscapeSucceeds$")
}

func TestProcessFindsExactlyWhatItWasGiven(t *testing.T) {
	eachTier(t, func(t *testing.T, tier sandbox.Tier) {
		h := newHost(t, tier, sandbox.Policy{})
		s := probe(t, "describe", "an argument")
		s.Env = []string{"ONLY=this"}
		_, out := start(t, h, s).finish()
		var v view
		if err := json.Unmarshal([]byte(out), &v); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for _, c := range []struct {
			what      string
			got, want []string
		}{
			{"descriptors", v.FDs, []string{"0", "1", "2", "3"}},
			{"environment", v.Env, []string{"ONLY=this"}},
			{"processes", v.Pids, []string{"1"}},
			{"arguments", v.Args, []string{"probe", "describe", "an argument"}},
		} {
			if !slices.Equal(c.got, c.want) {
				t.Errorf("%s: got %q, want %q", c.what, c.got, c.want)
			}
		}
		if v.UID != 1000 {
			t.Errorf("user id: got %d, want 1000", v.UID)
		}
		for _, name := range []string{"root", "home", "sys", "work", "opt", "boot", "srv", "mnt"} {
			if slices.Contains(v.Root, name) {
				t.Errorf("/%s of the host is visible", name)
			}
		}
	})
}

func TestMountsBelowClosedDirectoriesWork(t *testing.T) {
	eachTier(t, func(t *testing.T, tier sandbox.Tier) {
		h := newHost(t, tier, sandbox.Policy{})
		closed := filepath.Join(t.TempDir(), "closed")
		code := filepath.Join(closed, "code")
		if err := os.MkdirAll(code, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(code, "f"), []byte("content"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(closed, 0o700); err != nil {
			t.Fatal(err)
		}
		s := shell("cat /action/f; echo x >/action/g || echo refused")
		s.Mounts = []sandbox.Mount{{Source: code, Target: "/action"}}
		_, out := start(t, h, s).finish()
		if !strings.HasPrefix(out, "content") || !strings.Contains(out, "refused") {
			t.Errorf("got %q", out)
		}
	})
}
