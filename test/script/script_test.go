package script

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gowhisk/gowhisk/internal/backend/local"
	"github.com/gowhisk/gowhisk/internal/sandbox"
	"github.com/gowhisk/gowhisk/test/live"
)

// TestMain makes the test binary the program, too: started under the name
// gowhisk it is gowhisk, race detector included.
func TestMain(m *testing.M) {
	sandbox.Init()
	local.Init()
	testscript.Main(m, map[string]func(){"gowhisk": live.Program})
}

func TestScript(t *testing.T) {
	wsk := live.Tool(t, "../..", "wsk", "github.com/sciabarracom/openwhisk-cli")
	b := newBackend(t, buildProxy(t.TempDir()))
	whole := !strings.Contains(flag.Lookup("test.run").Value.String(), "/")
	t.Cleanup(func() {
		if doc, err := documentOf(""); err == nil {
			doc.summary(t, whole)
		}
	})
	results := &column{backend: b.name, cells: map[string]string{}}
	if whole || b.name == onChart {
		t.Cleanup(func() { results.save(t) })
	}
	testscript.RunT(run{t, results}, testscript.Params{
		Dir:                "testdata",
		RequireUniqueNames: true,
		Setup:              func(env *testscript.Env) error { return b.setup(env, wsk) },
		Condition:          b.condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve": b.serve, "stop": stop, "crash": crash,
			"wsk": voice("wsk"), "uwsk": voice("uwsk"), "attackwsk": voice("attackwsk"), "curl": voice("curl"),
			"exits": exits, "capture": capture, "eventually": b.eventually, "repeat": repeat,
			"kafka": kafka, "registry": b.serveRegistry, "kubectl": voice("kubectl"),
		},
	})
}

// setup gives a script its own data directory and its voices.
func (b *backend) setup(env *testscript.Env, wsk string) error {
	env.Setenv("GOWHISK_DATA_DIR", filepath.Join(env.WorkDir, "data"))
	env.Setenv("WSK", wsk)
	env.Setenv("GUEST", guestKey)
	env.Setenv("USER_KEY", userKey)
	env.Setenv("KUBECONFIG", os.Getenv("KUBECONFIG"))
	namespace, err := b.namespace(env)
	if err != nil {
		return err
	}
	s := &instance{namespace: namespace}
	env.Values[serverKey{}] = s
	env.Defer(func() {
		if t, ok := env.T().(run); ok && t.Failed() && s.log != nil {
			t.Log("the server said\n" + s.log.String())
		}
		s.kill()
	})
	return nil
}

// condition reports what a host or a cluster may lack: [kind:nodejs] and so on.
func (b *backend) condition(cond string) (bool, error) {
	programs := map[string]string{
		"kind:nodejs": "node", "kind:python": "python3", "kind:php": "php", "kind:ruby": "ruby",
		"kind:java": "java", "kind:go": "go", "curl": "curl", "jq": "jq", "openssl": "openssl",
	}
	if cond == "cluster" {
		return b.name != onLocal, nil
	}
	program, ok := programs[cond]
	if !ok {
		return false, fmt.Errorf("no such condition: %s", cond)
	}
	if family, isKind := strings.CutPrefix(cond, "kind:"); isKind && b.name != onLocal && family != "go" { // which the server compiles
		return b.has(family), nil
	}
	_, err := exec.LookPath(program)
	return err == nil, nil
}
