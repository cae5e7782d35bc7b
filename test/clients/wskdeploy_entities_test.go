package clients

import (
	"net/http"
	"strings"
	"testing"
)

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
	wantAt(t, hello, 20000, "limits", "timeout")
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

func deploysPackages(t *testing.T, d deployer) {
	dir := folder(t, "wskdeploy/packages")
	d.run(t, dir)
	wantAt(t, d.get(t, "packages/shared"), true, "publish")
	wantAt(t, d.get(t, "packages/shared"), "shared with all", "annotations", "purpose")
	d.run(t, dir, "-m", "uses.yaml")
	wantAt(t, d.result(t, "packages-loose", struct{}{}), true, "loose")
	wantAt(t, d.result(t, "packages-chain", struct{}{}), "the binding", "given")
	d.run(t, dir, "undeploy", "-m", "uses.yaml")
	d.run(t, dir, "undeploy")
	for _, path := range []string{"packages/shared", "packages/packages-bound", "actions/packages-loose", "actions/packages-chain"} {
		if d.get(t, path) != nil {
			t.Errorf("%s is still there", path)
		}
	}
}
