package clients

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

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

func deploysSwagger(t *testing.T, d deployer) {
	dir := folder(t, "wskdeploy/swagger")
	path := filepath.Join(dir, "api.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(text), "APIHOST", d.URL)), 0o600); err != nil {
		t.Fatal(err)
	}
	d.run(t, dir)
	url := managedURL(t, d.api, "/club")
	if status, body := page(t, http.MethodGet, url+"/members?who=Ada"); status != http.StatusOK || !strings.Contains(body, `"Ada"`) {
		t.Errorf("members answered %d %s", status, body)
	}
	d.run(t, dir, "undeploy")
	if status, _ := page(t, http.MethodGet, url+"/members"); status != http.StatusNotFound {
		t.Errorf("after undeploy it answers %d", status)
	}
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
