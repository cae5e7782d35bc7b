package clients

import (
	"net/http"
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
	return deployer{api{server}, live.Tool(t, root, "wskdeploy", "github.com/apache/openwhisk-wskdeploy")}
}

// command is wskdeploy in a folder; words of the form NAME=VALUE before its
// arguments are its environment.
func (d deployer) command(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	env := append(os.Environ(), "HOME="+t.TempDir())
	for len(args) > 0 && strings.Contains(args[0], "=") {
		env, args = append(env, args[0]), args[1:]
	}
	cmd := exec.CommandContext(t.Context(), d.program, append(args, "--apihost", d.URL, "--auth", d.Key, "--namespace", "_")...)
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
		{"deployment file, --param and --param-file", deploysOverrides},
		{"preview: says what would be and does nothing", previews},
		{"report: shows the inputs", reports},
		{"sync: what left the manifest leaves the namespace", syncs},
		{"export: writes a manifest that deploys again", exports},
		{"undeploy: by the name of the project", undeploysProject},
		{"undeploy: everything of every manifest", undeploysAll},
		{"errors: key, manifest, components", refusesDeployments},
	} {
		s.run(c.name, func(t *testing.T) { c.f(t, d) })
	}
}

func deploysActions(t *testing.T, d deployer) {
	d.run(t, folder(t, "wskdeploy/actions"), "GREETED=Ada", "-m", "manifest.yaml")
	hello := d.get(t, "actions/actions/hello")
	for key, want := range map[string]any{
		"name": "Ada", "place": "Wien", "times": 1, "exact": 2.5, "loud": false,
		"nested": map[string]any{"list": []any{1, "two"}, "deep": map[string]any{"sure": true}},
	} {
		wantAt(t, hello, want, "parameters", key)
	}
	wantAt(t, hello, "greetings", "annotations", "purpose")
	wantAt(t, hello, 7, "annotations", "version")
	wantAt(t, hello, 5000, "limits", "timeout")
	wantAt(t, hello, 128, "limits", "memory")
	wantAt(t, hello, 2, "limits", "logs")
	wantAt(t, d.result(t, "actions/hello", map[string]any{"place": "Graz"}), "Hello, Ada from Graz", "greeting")
	wantAt(t, d.result(t, "actions/python", struct{}{}), "from the package", "package")
	wantAt(t, d.result(t, "actions/entry", struct{}{}), "other", "entry")
	wantAt(t, d.result(t, "actions/zipped", struct{}{}), "included", "file")
	wantAt(t, d.result(t, "actions/inline", struct{}{}), true, "inline")
	wantAt(t, d.get(t, "actions/actions/zipped"), true, "exec", "binary")
	wantAt(t, d.get(t, "packages/actions"), "from the package", "parameters", "everywhere")
}

func deploysAgain(t *testing.T, d deployer) {
	before := d.get(t, "actions/actions/hello").at("version")
	d.run(t, folder(t, "wskdeploy/actions"), "GREETED=Bob", "-m", "manifest.yaml")
	after := d.get(t, "actions/actions/hello")
	if after.at("version") == before {
		t.Errorf("the version stayed %v", before)
	}
	wantAt(t, after, "Bob", "parameters", "name")
}

func deploysWebActions(t *testing.T, d deployer) {
	d.run(t, folder(t, "wskdeploy/flow"))
	web := d.URL + "/api/v1/web/guest/flow/"
	if status, body := page(t, http.MethodGet, web+"page?name=Ada"); status != http.StatusCreated || body != "<p>Ada</p>" {
		t.Errorf("page answered %d %s", status, body)
	}
	if _, body := page(t, http.MethodGet, web+"raw.json?a=b"); !strings.Contains(body, `"a=b"`) {
		t.Errorf("raw answered %s", body)
	}
	if status, body := page(t, http.MethodGet, web+"guarded?name=Ada"); status != http.StatusUnauthorized {
		t.Errorf("guarded answered %d %s", status, body)
	}
	if status, body := page(t, http.MethodGet, web+"guarded?name=Ada", "X-Require-Whisk-Auth", "s3cret"); status != http.StatusCreated {
		t.Errorf("guarded with its secret answered %d %s", status, body)
	}
	wantAt(t, d.get(t, "actions/flow/page"), true, "annotations", "web-export")
	wantAt(t, d.get(t, "actions/flow/raw"), true, "annotations", "raw-http")
}

func deploysSequences(t *testing.T, d deployer) {
	wantAt(t, d.get(t, "actions/flow/both"), []string{"/guest/flow/add", "/guest/flow/double"}, "exec", "components")
	wantAt(t, d.get(t, "actions/flow/both"), "sums", "annotations", "purpose")
	wantAt(t, d.result(t, "flow/both", map[string]int{"a": 1, "b": 2}), 6, "n")
	wantAt(t, d.result(t, "flow/foreign", map[string]int{"a": 1, "b": 2}), 3, "n")
	if _, body := page(t, http.MethodGet, d.URL+"/api/v1/web/guest/flow/shown.json?a=1"); !strings.Contains(body, `"n"`) {
		t.Errorf("the web sequence answered %s", body)
	}
}

func deploysRules(t *testing.T, d deployer) {
	wantAt(t, d.get(t, "triggers/flow-trigger"), "flows", "annotations", "purpose")
	wantAt(t, d.get(t, "rules/flow-rule"), "active", "status")
	wantAt(t, d.get(t, "rules/flow-rule"), "joins", "annotations", "purpose")
	wantAt(t, d.get(t, "rules/flow-rule"), map[string]string{"name": "both", "path": "guest/flow"}, "action")
	wantAt(t, d.fire(t, "flow-trigger", map[string]int{"b": 4}), 10, "response", "result", "n")
}

func deploysBindings(t *testing.T, d deployer) {
	d.run(t, folder(t, "wskdeploy/bindings"))
	words := d.get(t, "packages/words")
	wantAt(t, words, map[string]string{"name": "utils", "namespace": "whisk.system"}, "binding")
	wantAt(t, words, "-", "parameters", "separator")
	wantAt(t, words, "words", "annotations", "purpose")
	wantAt(t, d.result(t, "words/split", map[string]string{"payload": "a-b-c"}), []string{"a", "b", "c"}, "lines")
	wantAt(t, d.get(t, "packages/clock"), "alarms", "binding", "name")
}

func deploysAPIs(t *testing.T, d deployer) {
	d.run(t, folder(t, "wskdeploy/apis"))
	url := managedURL(t, d.api, "/library")
	if status, body := page(t, http.MethodGet, url+"/books"); status != http.StatusOK || !strings.Contains(body, `"get"`) {
		t.Errorf("books answered %d %s", status, body)
	}
	if status, body := page(t, http.MethodDelete, url+"/book/12"); status != http.StatusOK || !strings.Contains(body, `"delete"`) || !strings.Contains(body, "12") {
		t.Errorf("book answered %d %s", status, body)
	}
	if status, body := page(t, http.MethodGet, url+"/plain?who=Ada"); status != http.StatusOK || !strings.Contains(body, `"Ada"`) {
		t.Errorf("plain answered %d %s", status, body)
	}
	if status, _ := page(t, http.MethodPost, url+"/books"); status != http.StatusMethodNotAllowed && status != http.StatusNotFound {
		t.Errorf("a method that the API lacks is answered with %d", status)
	}
	d.run(t, folder(t, "wskdeploy/apis"), "undeploy")
	if status, _ := page(t, http.MethodGet, url+"/books"); status != http.StatusNotFound {
		t.Errorf("after undeploy it answers %d", status)
	}
}

// managedURL asks the platform's own action for the URL of an API.
func managedURL(t *testing.T, a api, basePath string) string {
	t.Helper()
	id, _, _ := strings.Cut(a.Key, ":")
	status, body := a.do(t, http.MethodGet, "/api/v1/web/whisk.system/apimgmt/getApi.http?accesstoken=x&spaceguid="+id+"&basepath="+basePath, nil)
	apis, _ := decode[entity](t, status, body).at("apis").([]any)
	if len(apis) != 1 {
		t.Fatalf("the APIs of %s are %s", basePath, body)
	}
	one, _ := apis[0].(map[string]any)
	url, _ := entity(one).at("value", "gwApiUrl").(string)
	if url == "" {
		t.Fatalf("no URL in %s", body)
	}
	return url
}

func deploysFeeds(t *testing.T, d deployer) {
	d.run(t, folder(t, "wskdeploy/feeds"))
	wantAt(t, d.get(t, "triggers/every-minute"), "/whisk.system/alarms/interval", "annotations", "feed")
	status, config := readFeed(t, d.api, "/whisk.system/alarms/interval", "every-minute")
	wantAt(t, decode[entity](t, status, config), 1, "minutes")
	status, config = readFeed(t, d.api, "/whisk.system/alarms/alarm", "nightly")
	wantAt(t, decode[entity](t, status, config), "Europe/Vienna", "timezone")
	eventually(t, "the alarm fired", func() bool {
		for _, seen := range d.list(t, "activations?name=feeds/tick&docs=true") {
			return seen.at("response", "result", "source") == "clock"
		}
		return false
	})
	d.run(t, folder(t, "wskdeploy/feeds")) // updates by removing and creating
	d.run(t, folder(t, "wskdeploy/feeds"), "undeploy")
	if d.get(t, "triggers/every-minute") != nil || d.get(t, "rules/on-minute") != nil {
		t.Error("the trigger or its rule is still there")
	}
}

func deploysOverrides(t *testing.T, d deployer) {
	dir := folder(t, "wskdeploy/overrides")
	d.run(t, dir, "FROM_PARAM=env", "-m", "manifest.yaml", "-d", "deployment.yaml")
	got := d.result(t, "overrides/show", struct{}{})
	wantAt(t, got, "from the manifest", "a")
	wantAt(t, got, "from the deployment", "b")
	wantAt(t, got, "env", "c")
	wantAt(t, d.get(t, "triggers/overrides-trigger"), "from the deployment", "parameters", "a")
	d.run(t, dir, "-m", "manifest.yaml", "--param", "c", "command line")
	wantAt(t, d.result(t, "overrides/show", struct{}{}), "command line", "c")
	if err := os.WriteFile(filepath.Join(dir, "params.json"), []byte(`{"c": "a file"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	d.run(t, dir, "-m", "manifest.yaml", "--param-file", "params.json")
	wantAt(t, d.result(t, "overrides/show", struct{}{}), "a file", "c")
}
