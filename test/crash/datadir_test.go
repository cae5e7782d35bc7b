package crash

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gowhisk/gowhisk/test/live"
)

func TestSecondServerOnADataDirectoryIsRefused(t *testing.T) {
	t.Parallel()
	dir, l := t.TempDir()+"/data", newLedger(t)
	first := start(t, dir, "--api-host", l.URL)
	first.create(t, "slow", reporting(1000))
	id := l.accepted(t, first, "slow")
	l.await(t, id)
	refuses(t, dir, "GW5205")
	if got := first.outcome(t, id); got != "success" {
		t.Errorf("what ran in the first server ended with %q", got)
	}
}

func TestDataDirectoryOfANewerFormatIsRefusedUnchanged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/data"
	start(t, dir).stop(t)
	err := os.WriteFile(dir+"/store/FORMAT", []byte(`{"version":99,"key":"0011223344556677"}`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	before := filesBelow(t, dir+"/store")
	refuses(t, dir, "GW5203")
	if diff := cmp.Diff(before, filesBelow(t, dir+"/store")); diff != "" {
		t.Errorf("the store was changed (-before +after):\n%.2000s", diff)
	}
}

// refuses wants a server on dir to end at once with that code.
func refuses(t *testing.T, dir, code string) {
	t.Helper()
	cmd, _ := serve(t, dir)
	said, err := cmd.CombinedOutput()
	if err == nil || cmd.ProcessState.ExitCode() != 1 || !strings.Contains(string(said), code) {
		t.Errorf("it ended with %v and said\n%s\nwant exit status 1 and %s", err, said, code)
	}
}

// TestCopyOfAStoppedServersDataDirectoryIsABackup copies it after an orderly
// stop and after a crash, and starts a server on each copy.
func TestCopyOfAStoppedServersDataDirectoryIsABackup(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*server, *testing.T){
		"stopped": (*server).stop,
		"crashed": func(s *server, _ *testing.T) { s.kill() },
	} {
		t.Run(name, func(t *testing.T) {
			dir, l := t.TempDir(), newLedger(t)
			s := start(t, dir+"/data", "--api-host", l.URL)
			s.create(t, "quick", reporting(0), map[string]any{"key": "a", "value": 1})
			action := s.must(t, http.MethodGet, "actions/quick", nil)
			for range 20 {
				l.accepted(t, s, "quick")
			}
			user := admin(t, dir+"/data", "user", "create", "somebody")
			end(s, t)
			if said, err := exec.Command("cp", "-a", dir+"/data", dir+"/copy").CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, said)
			}
			if err := os.RemoveAll(dir + "/data"); err != nil {
				t.Fatal(err)
			}
			s = start(t, dir+"/copy", "--api-host", l.URL)
			l.audit(t, s)
			if got := s.must(t, http.MethodGet, "actions/quick", nil); string(got.body) != string(action.body) {
				t.Errorf("the action was\n%s\nand is\n%s", action.body, got.body)
			}
			if got := admin(t, dir+"/copy", "user", "get", "somebody"); got != user {
				t.Error("the user has another key")
			}
		})
	}
}

// TestSecretsAreNotReadableInTheDataDirectory looks for keys, parameters and
// queued payloads in every file, while the server runs, after a crash and
// after an orderly stop.
func TestSecretsAreNotReadableInTheDataDirectory(t *testing.T) {
	t.Parallel()
	dir, l := t.TempDir()+"/data", newLedger(t)
	s := start(t, dir, "--api-host", l.URL)
	plain, environment, payload := "c0ffee-plain-parameter", "c0ffee-init-parameter", "c0ffee-payload"
	s.create(t, "discreet", strings.Replace(reporting(500), "{n: p.n}", "{}", 1),
		map[string]any{"key": "password", "value": plain}, map[string]any{"key": "TOKEN", "value": environment, "init": true})
	_, key, _ := strings.Cut(admin(t, dir, "user", "create", "somebody"), ":")
	secrets := map[string]string{
		"key of guest": s.key[1], "key of a user": key,
		"parameter": plain, "init parameter": environment, "payload": payload,
	}
	var ids []string
	for range 20 {
		got, err := s.do(http.MethodPost, "actions/discreet", []byte(`{"more":"`+payload+`"}`))
		if err != nil || got.status != http.StatusAccepted {
			t.Fatalf("%d %s %v", got.status, got.body, err)
		}
		ids = append(ids, string(got.body))
	}
	until(t, func() bool { return l.total() > 0 })
	hidden(t, dir, "running", secrets)
	s.kill()
	hidden(t, dir, "crashed", secrets)
	s = start(t, dir, "--api-host", l.URL)
	for _, id := range ids {
		s.outcome(t, strings.Split(id, `"`)[3])
	}
	s.stop(t)
	hidden(t, dir, "stopped", secrets)
}

func hidden(t *testing.T, dir, state string, secrets map[string]string) {
	t.Helper()
	for path, text := range filesBelow(t, dir) {
		for name, secret := range secrets {
			if len(secret) < 8 {
				t.Fatalf("there is no %s", name)
			}
			if strings.Contains(text, secret) {
				t.Errorf("%s: the %s is readable in %s", state, name, path)
			}
		}
	}
}

// filesBelow reads the files below dir; one may go while it looks.
func filesBelow(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			var text []byte
			text, err = os.ReadFile(path)
			files[path] = string(text)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// admin runs a command of wskadmin and returns what it said.
func admin(t *testing.T, dir string, words ...string) string {
	t.Helper()
	cmd := live.Gowhisk(t, append([]string{"admin", "--data-dir", dir}, words...)...)
	said, err := cmd.Output()
	if err != nil {
		t.Fatalf("admin %v: %v\n%s", words, err, said)
	}
	return strings.TrimSpace(string(said))
}

// stop ends the server in order.
func (s *server) stop(t *testing.T) {
	t.Helper()
	s.signal(syscall.SIGTERM)
	if code := s.exits(t, 30*time.Second); code != 0 {
		t.Fatalf("exit status %d\n%s", code, s.log)
	}
}
