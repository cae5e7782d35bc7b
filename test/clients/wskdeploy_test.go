package clients

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/test/live"
)

// deployer runs wskdeploy against a server.
type deployer struct {
	api
	program string
}

func newDeployer(t *testing.T, server *live.Server) deployer {
	t.Helper()
	need(t, "node", "python3")
	return deployer{api{server}, live.Tool(t, root, "wskdeploy", "github.com/apache/openwhisk-wskdeploy")}
}

// command is wskdeploy in a folder, with the properties that wsk leaves in
// the home; words of the form NAME=VALUE before its arguments are its
// environment.
func (d deployer) command(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	home := t.TempDir()
	properties := "APIHOST=" + d.URL + "\nAUTH=" + d.Key + "\nNAMESPACE=_\nAPIGW_ACCESS_TOKEN=token\n"
	if err := os.WriteFile(filepath.Join(home, ".wskprops"), []byte(properties), 0o600); err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "HOME="+home)
	for len(args) > 0 && strings.Contains(args[0], "=") {
		env, args = append(env, args[0]), args[1:]
	}
	cmd := exec.CommandContext(t.Context(), d.program, args...)
	cmd.Dir, cmd.Env = dir, env
	return cmd
}

// run wants wskdeploy to succeed and returns what it said.
func (d deployer) run(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := d.command(t, dir, args...).CombinedOutput()
	if err != nil || strings.Contains(string(out), "Error:") {
		t.Fatalf("wskdeploy %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// refused wants wskdeploy to fail and to say something.
func (d deployer) refused(t *testing.T, dir, want string, args ...string) {
	t.Helper()
	out, err := d.command(t, dir, args...).CombinedOutput()
	if err == nil || !strings.Contains(string(out), want) {
		t.Errorf("wskdeploy %v: %v, want it to fail with %q\n%s", args, err, want, out)
	}
}

// TestWskdeploy deploys, changes and removes what real manifests describe.
func TestWskdeploy(t *testing.T) {
	s := newSuite(t, "wskdeploy")
	d := newDeployer(t, live.Start(t, t.TempDir()+"/data", plenty...))
	for _, c := range []struct {
		name string
		f    func(*testing.T, deployer)
	}{
		{"actions: sources, kinds, inputs, limits, annotations", deploysActions},
		{"actions: a second deployment is an update", deploysAgain},
		{"web actions: html, raw, guarded", deploysWebActions},
		{"sequences: run in order, with foreign actions", deploysSequences},
		{"triggers and rules: a fire runs the sequence", deploysRules},
		{"bindings: packages of the system with inputs", deploysBindings},
		{"apis: methods, path parameters, responses", deploysAPIs},
		{"feeds: interval and alarm", deploysFeeds},
		{"packages: public, bound by another manifest, default", deploysPackages},
		{"apis: a swagger document of the project", deploysSwagger},
		{"deployment file, --param and --param-file", deploysOverrides},
		{"preview: says what would be and does nothing", previews},
		{"report: shows the inputs", reports},
		{"sync: what left the manifest leaves the namespace", syncs},
		{"export: writes a manifest that deploys again", exports},
		{"export: feeds, bindings, sequences, APIs", exportsFeeds},
		{"undeploy: by the name of the project", undeploysProject},
		{"undeploy: everything of every manifest", undeploysAll},
		{"errors: key, manifest, components", refusesDeployments},
	} {
		s.run(c.name, func(t *testing.T) { c.f(t, d) })
	}
}
