package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/gowhisk/gowhisk/internal/protocol/protocoltest"
	"github.com/gowhisk/gowhisk/runtimes"
)

// usable is which families this machine can run; the others' reason.
func usable(t *testing.T) (map[string]bool, map[string]string) {
	t.Helper()
	hosts, err := runtimes.Discover(t.Context(), runtimes.Search(os.Getenv("PATH"), os.Getenv("HOME")))
	if err != nil {
		t.Fatal(err)
	}
	here, missing := map[string]bool{}, map[string]string{}
	for _, h := range hosts {
		if h.Usable() {
			here[h.Family.Name] = true
		} else {
			missing[h.Family.Name] = h.String()
		}
	}
	return here, missing
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

func TestEveryKindKeepsTheContract(t *testing.T) {
	here, missing := usable(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, platform := range []string{protocoltest.OpenWhisk, protocoltest.Knative} {
		m := matrix{results: map[string][]protocoltest.Result{}}
		t.Run(platform, func(t *testing.T) {
			for _, kind := range protocoltest.Kinds() {
				t.Run(kind, func(t *testing.T) {
					if !here[kind] {
						t.Skipf("no %s here: %s", kind, missing[kind])
					}
					t.Parallel()
					m.add(kind, certify(t, self, platform, kind))
				})
			}
		})
		var table bytes.Buffer
		if err := protocoltest.Matrix(&table, protocoltest.Kinds(), m.results); err != nil {
			t.Fatal(err)
		}
		text := "Contract, platform " + platform + " (+ kept, · not applicable, – kind is not here)\n" + table.String()
		t.Log(text)
		if flag.Lookup("test.run").Value.String() != "" {
			continue // a part of it
		}
		if err := protocoltest.Save("../..", "contract-"+platform, text); err != nil {
			t.Error(err)
		}
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

func certify(t *testing.T, self, platform, kind string) []protocoltest.Result {
	t.Helper()
	samples, err := protocoltest.SamplesOf(t.Context(), kind)
	if err != nil {
		t.Fatal(err)
	}
	command := protocoltest.Command{Args: []string{self, "--listen", "127.0.0.1:{port}", "--kind", kind},
		Env: []string{"BE_ACTIONPROXY=1", "PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + t.TempDir(), "OW_LOG_INIT_ERROR=1", "GOCACHE=" + goCache(t)}}
	results, err := protocoltest.Certify(context.WithoutCancel(t.Context()), protocoltest.Options{
		Platform: platform, Samples: samples, Launch: command.Launch})
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	if err := protocoltest.Write(&said, results, testing.Verbose()); err != nil {
		t.Fatal(err)
	}
	if protocoltest.Failed(results) > 0 {
		t.Errorf("\n%s", &said)
	}
	return results
}
