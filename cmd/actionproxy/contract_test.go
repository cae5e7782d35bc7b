package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/protocol/protocoltest"
	"github.com/gowhisk/gowhisk/runtimes"
)

// column is one version of a language: a kind of a program that is here, or why there is none.
type column struct{ kind, missing string }

// columns are the versions that this machine has for all users and those of `make bin/kinds`, and
// each language of which it has none. Their launchers are compiled below dir, as in images.
func columns(t *testing.T, path, dir string) []column {
	t.Helper()
	hosts, err := runtimes.DiscoverOwn(t.Context(), runtimes.Search(path, ""))
	if err == nil {
		err = runtimes.WriteLaunchers(dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	var all []column
	for _, family := range protocoltest.Kinds() {
		none := column{kind: family, missing: "no such runtime"}
		before := len(all)
		for _, h := range hosts {
			_, version, _ := strings.Cut(h.Kind, ":")
			switch {
			case h.Family.Name != family:
			case !h.Usable():
				none.missing = h.String()
			case strings.HasPrefix(h.Version, version): // else a newer one serves the kind
				if _, err := h.Precompile(t.Context(), dir); err != nil {
					t.Fatal(err)
				}
				all = append(all, column{kind: h.Kind})
			}
		}
		if len(all) == before {
			all = append(all, none)
		}
	}
	return all
}

// matrix collects the results of one platform.
type matrix struct {
	mu      sync.Mutex
	results map[string][]protocoltest.Result // by kind; guarded by mu
}

func (m *matrix) add(kind string, results []protocoltest.Result) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.results[kind] = results
}

// samples are compiled once for a language.
func samples() func(ctx context.Context, kind string) (protocoltest.Samples, error) {
	once := map[string]func() (protocoltest.Samples, error){}
	for _, family := range protocoltest.Kinds() {
		once[family] = sync.OnceValues(func() (protocoltest.Samples, error) { return protocoltest.SamplesOf(context.Background(), family) })
	}
	return func(_ context.Context, kind string) (protocoltest.Samples, error) {
		family, _, _ := strings.Cut(kind, ":")
		s, err := once[family]()
		s.Kind = kind
		return s, err
	}
}

func TestEveryKindKeepsTheContract(t *testing.T) {
	path, err := protocoltest.Path("../..", os.Getenv("PATH"))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", path)
	launchers := t.TempDir()
	all, of := columns(t, path, launchers), samples()
	var kinds []string
	for _, c := range all {
		kinds = append(kinds, c.kind)
	}
	for _, platform := range []string{protocoltest.OpenWhisk, protocoltest.Knative} {
		m := matrix{results: map[string][]protocoltest.Result{}}
		t.Run(platform, func(t *testing.T) {
			for _, c := range all {
				t.Run(c.kind, func(t *testing.T) {
					if c.missing != "" {
						t.Skipf("no %s here: %s", c.kind, c.missing)
					}
					t.Parallel()
					s, err := of(t.Context(), c.kind)
					if err != nil {
						t.Fatal(err)
					}
					m.add(c.kind, certify(t, platform, launchers, s))
				})
			}
		})
		table(t, platform, kinds, m.results)
	}
}

// table prints what came of one platform, and leaves it for `make test`.
func table(t *testing.T, platform string, kinds []string, results map[string][]protocoltest.Result) {
	t.Helper()
	var b bytes.Buffer
	if err := protocoltest.Matrix(&b, kinds, results); err != nil {
		t.Fatal(err)
	}
	text := "Contract, platform " + platform + " (+ kept, · not applicable, – kind is not here)\n" + b.String()
	t.Log(text)
	if flag.Lookup("test.run").Value.String() != "" {
		return // a part of it
	}
	if err := protocoltest.Save("../..", "contract-"+platform, text); err != nil {
		t.Error(err)
	}
}

// goCache is the one of this machine, so that the standard library is not compiled again and again.
func goCache(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func certify(t *testing.T, platform, launchers string, s protocoltest.Samples) []protocoltest.Result {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := protocoltest.Command{Args: []string{self, "--listen", "127.0.0.1:{port}", "--launchers", launchers, "--kind", s.Kind},
		Env: []string{"BE_ACTIONPROXY=1", "PATH=" + os.Getenv("PATH"), "TMPDIR=" + t.TempDir(), "OW_LOG_INIT_ERROR=1", "GOCACHE=" + goCache(t)}}
	began := time.Now()
	results, err := protocoltest.Certify(context.WithoutCancel(t.Context()), protocoltest.Options{
		Platform: platform, Samples: s, Launch: command.Launch, Patience: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	if err := protocoltest.Write(&said, results, testing.Verbose()); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s on %s took %s", s.Kind, platform, time.Since(began).Round(time.Second))
	if protocoltest.Failed(results) > 0 || !slices.ContainsFunc(results, func(r protocoltest.Result) bool { return r.Outcome == protocoltest.Pass }) {
		t.Errorf("\n%s", &said)
	}
	return results
}
