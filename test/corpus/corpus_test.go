package corpus_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/gowhisk/gowhisk/internal/protocol/protocoltest"
	"github.com/gowhisk/gowhisk/runtimes"
	"github.com/gowhisk/gowhisk/test/corpus"
	"github.com/gowhisk/gowhisk/test/live"
)

var update = flag.Bool("update", false, "write golden.txt as the first target that can have a sample answers")

func TestMain(m *testing.M) {
	live.Main()
	os.Exit(m.Run())
}

// proxy builds the action proxy.
func proxy(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "actionproxy")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", file, "../../cmd/actionproxy")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the action proxy: %v\n%s", err, out)
	}
	return file
}

// foreign is a shim in front of a runtime that is not ours; for languages without one in front of ours,
// as it serves the platform openwhisk.
func foreign(t *testing.T, proxy, kind string) (protocoltest.Command, error) {
	behind := map[string][]string{"nodejs": {"node", "runtime.js"}, "python": {"python3", "runtime.py"}}[kind]
	if behind == nil {
		behind = []string{proxy, "--platform", "openwhisk", "--kind", kind}
	} else {
		file, err := filepath.Abs(filepath.Join("testdata", "foreign", behind[1]))
		if err != nil {
			return protocoltest.Command{}, err
		}
		behind[1] = file
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return protocoltest.Command{}, err
	}
	defer l.Close()
	shim, err := json.Marshal(map[string]any{"command": behind, "dir": t.TempDir(), "port": l.Addr().(*net.TCPAddr).Port})
	if err != nil {
		return protocoltest.Command{}, err
	}
	path := filepath.Join(t.TempDir(), "shim.json")
	return protocoltest.Command{Args: []string{proxy, "--listen", "127.0.0.1:{port}", "--platform", "shim", "--shim", path}}, os.WriteFile(path, shim, 0o600)
}

func targets(t *testing.T) []corpus.Target {
	server := live.Start(t, t.TempDir(), "--invocations-per-minute", "100000", "--concurrent-invocations", "1000")
	proxy := proxy(t)
	command := func(platform string) func(string) (protocoltest.Command, error) {
		return func(kind string) (protocoltest.Command, error) {
			return protocoltest.Command{Args: []string{proxy, "--listen", "127.0.0.1:{port}", "--platform", platform, "--kind", kind}}, nil
		}
	}
	return []corpus.Target{
		corpus.API{Label: "local", URL: server.URL, Key: server.Key, Namespace: "guest"},
		corpus.Container{Label: "openwhisk", Command: command("openwhisk")},
		corpus.Service{Label: "knative", Command: command("knative")},
		corpus.Service{Label: "shim", Command: func(kind string) (protocoltest.Command, error) { return foreign(t, proxy, kind) }},
	}
}

// families puts the versions of languages of `make bin/kinds` into PATH and returns the languages that can
// be used, with the reason for each other one.
func families(t *testing.T) map[string]string {
	t.Helper()
	path, err := protocoltest.Path("../..", os.Getenv("PATH"))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", path)
	cache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOCACHE", strings.TrimSpace(string(cache))) // spares the standard library
	hosts, err := runtimes.Discover(t.Context(), runtimes.Search(path, ""))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, h := range hosts {
		if runtimes.IsDefault(h.Kind) {
			found[h.Family.Name] = ""
			if !h.Usable() {
				found[h.Family.Name] = h.String()
			}
		}
	}
	return found
}

// parity is the table: samples by targets.
type parity struct {
	mu    sync.Mutex
	cells map[string]string // by sample and target; guarded by mu
}

func (p *parity) set(s corpus.Sample, target, cell string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cells[s.Name+" "+s.Language+" "+target] = cell
}

func (p *parity) table(samples []corpus.Sample, targets []corpus.Target) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "row\tsample\tlanguage")
	for _, target := range targets {
		fmt.Fprintf(w, "\t%s", target.Name())
	}
	for _, s := range samples {
		fmt.Fprintf(w, "\n%s\t%s\t%s", s.Row, s.Name, s.Language)
		for _, target := range targets {
			cell := p.cells[s.Name+" "+s.Language+" "+target.Name()]
			if cell == "" {
				cell = "–"
			}
			fmt.Fprintf(w, "\t%s", cell)
		}
	}
	if err := w.Flush(); err != nil {
		return err.Error()
	}
	return b.String()
}

func TestEverySampleAnswersTheSameEverywhere(t *testing.T) {
	here := families(t)
	samples, err := corpus.Load("testdata/corpus")
	if err != nil {
		t.Fatal(err)
	}
	all := targets(t)
	p := parity{cells: map[string]string{}}
	t.Run("samples", func(t *testing.T) {
		for _, s := range samples {
			t.Run(s.Name+"."+s.Language, func(t *testing.T) {
				if reason, ok := here[s.Kind()]; !ok || reason != "" {
					t.Skipf("no %s here: %s", s.Kind(), reason)
				}
				t.Parallel()
				if err := s.Compile(t.Context()); err != nil {
					t.Fatal(err)
				}
				for _, target := range all {
					answer(t, s, target, &p)
				}
			})
		}
	})
	text := "Corpus (+ golden answers, – not for this target)\n" + p.table(samples, all) + "\n"
	t.Log(text)
	if flag.Lookup("test.run").Value.String() != "" {
		return // a part of it
	}
	if err := protocoltest.Save("../..", "corpus", text); err != nil {
		t.Error(err)
	}
}

// answer fills one cell.
func answer(t *testing.T, s corpus.Sample, target corpus.Target, p *parity) {
	if !s.On(target.Name()) || s.Stem && target.Name() == "local" {
		return
	}
	p.set(s, target.Name(), "FAIL")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	client, err := target.Deploy(ctx, s)
	if err != nil {
		t.Errorf("%s: deploy: %v", target.Name(), err)
		return
	}
	got, err := corpus.Run(ctx, s, client)
	if err := client.Close(); err != nil {
		t.Errorf("%s: %v", target.Name(), err)
	}
	if err != nil {
		t.Errorf("%s: %v", target.Name(), err)
		return
	}
	if *update && first(s) == target.Name() && s.Language == "js" {
		if err := os.WriteFile(filepath.Join(s.Dir, "golden.txt"), []byte(got), 0o644); err != nil {
			t.Error(err)
		}
	}
	want, err := corpus.Golden(s)
	if err != nil {
		t.Error(err)
		return
	}
	if got != want {
		t.Errorf("%s answers\n%s\nwant\n%s", target.Name(), difference(got, want), difference(want, got))
		return
	}
	p.set(s, target.Name(), "+")
}

// first is the target whose answers are the golden ones, with -update.
func first(s corpus.Sample) string {
	if len(s.Only) > 0 {
		return s.Only[0]
	}
	return "local"
}

// difference is the lines of a that are not b's, with the names of their requests.
func difference(a, b string) string {
	parts := strings.Split(b, "--- ")
	var lines []string
	for part := range strings.SplitSeq(a, "--- ") {
		if !slices.Contains(parts, part) {
			lines = append(lines, part)
		}
	}
	return strings.Join(lines, "")
}
