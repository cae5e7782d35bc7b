package script

import (
	"flag"
	"fmt"
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
	t.Cleanup(func() {
		if doc, err := documentOf(""); err == nil {
			doc.summary(t, !strings.Contains(flag.Lookup("test.run").Value.String(), "/"))
		}
	})
	testscript.Run(t, testscript.Params{
		Dir:                "testdata",
		RequireUniqueNames: true,
		Setup:              func(env *testscript.Env) error { return setup(env, wsk) },
		Condition:          condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve": serve, "stop": stop, "crash": crash,
			"wsk": voice("wsk"), "uwsk": voice("uwsk"), "attackwsk": voice("attackwsk"), "curl": voice("curl"),
			"exits": exits, "capture": capture, "eventually": eventually, "repeat": repeat,
			"kafka": kafka, "registry": serveRegistry(t.TempDir()),
		},
	})
}

// setup gives a script its own data directory and its voices.
func setup(env *testscript.Env, wsk string) error {
	env.Setenv("GOWHISK_DATA_DIR", filepath.Join(env.WorkDir, "data"))
	env.Setenv("WSK", wsk)
	env.Setenv("GUEST", guestKey)
	env.Setenv("USER_KEY", userKey)
	env.Values[serverKey{}] = &instance{}
	env.Defer(func() {
		if s, ok := env.Values[serverKey{}].(*instance); ok {
			s.kill()
		}
	})
	return nil
}

// condition reports what a host may lack: [kind:nodejs] and so on.
func condition(cond string) (bool, error) {
	programs := map[string]string{
		"kind:nodejs": "node", "kind:python": "python3", "kind:php": "php", "kind:ruby": "ruby",
		"kind:java": "java", "kind:go": "go", "curl": "curl", "jq": "jq", "openssl": "openssl",
	}
	program, ok := programs[cond]
	if !ok {
		return false, fmt.Errorf("no such condition: %s", cond)
	}
	_, err := exec.LookPath(program)
	return err == nil, nil
}
