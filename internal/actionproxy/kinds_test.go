package actionproxy_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/protocol"
	"github.com/gowhisk/gowhisk/internal/protocol/protocoltest"
	"github.com/gowhisk/gowhisk/runtimes"
)

// hosts asks this machine's interpreters for their versions once.
var hosts = sync.OnceValues(func() ([]runtimes.Host, error) {
	dir, err := workshop()
	if err != nil {
		return nil, err
	}
	path, err := protocoltest.Path(filepath.Join("..", ".."), os.Getenv("PATH"))
	if err != nil {
		return nil, err
	}
	all, err := runtimes.DiscoverOwn(context.Background(), runtimes.Search(path, os.Getenv("HOME")))
	if err != nil {
		return nil, err
	}
	if err := runtimes.WriteLaunchers(filepath.Join(dir, "launchers")); err != nil {
		return nil, err
	}
	for i, h := range all {
		if all[i], err = h.Precompile(context.Background(), filepath.Join(dir, "launchers")); err != nil {
			all[i].Missing, all[i].Hint = err.Error(), "see why"
		}
	}
	return all, nil
})

// workshop is a folder with the launchers, and where Go programs are compiled. TestMain removes it.
var workshop = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "actionproxy-test") })

func launchers(t testing.TB) string {
	t.Helper()
	dir, err := workshop()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "launchers")
}

// host returns an interpreter of the family, or of one kind, or skips the test.
func host(t testing.TB, family string) runtimes.Host {
	t.Helper()
	all, err := hosts()
	if err != nil {
		t.Fatal(err)
	}
	var missing []string
	var first runtimes.Host
	for _, h := range all {
		if h.Family.Name != family && h.Kind != family {
			continue
		}
		switch {
		case !h.Usable():
			missing = append(missing, h.String())
		case h.Kind == family || runtimes.IsDefault(h.Kind):
			return h
		case first.Kind == "":
			first = h
		}
	}
	if first.Kind != "" {
		return first
	}
	t.Skipf("no %s here: %s", family, strings.Join(missing, "; "))
	return runtimes.Host{}
}

// launch starts the launcher of a family, with nothing but the platform's environment.
func launch(t testing.TB, family string, env ...string) *actionproxy.Child {
	t.Helper()
	h := host(t, family)
	argv := h.Argv(launchers(t))
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(h.Environ(), "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/tmp")
	cmd.Env = append(cmd.Env, env...)
	cmd.Dir = t.TempDir()
	c := start(t, cmd, actionproxy.Options{})
	if err := c.Ready(bounded(t)); err != nil {
		t.Fatalf("%v\n%s", err, strings.Join(c.TakeLogs().Lines, "\n"))
	}
	return c
}

// action launches and initializes with source text.
func action(t testing.TB, family, code string) *actionproxy.Child {
	t.Helper()
	c := launch(t, family)
	initialize(t, c, &protocol.Init{Name: "a", Main: "main", Code: code})
	return c
}

// folder makes a directory with files, as an extracted archive.
func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func texts(logs actionproxy.Logs) string {
	var all []string
	for _, line := range logs.Lines {
		all = append(all, line[31:])
	}
	return strings.Join(all, "\n")
}

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// compact spells JSON in one way: sorted members, no blanks.
func compact(text []byte) string {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return string(text)
	}
	b, _ := json.Marshal(v)
	return string(b)
}
