package clients

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func previews(t *testing.T, d deployer) {
	said := d.run(t, folder(t, "wskdeploy/project"), "--preview", "-m", "first.yaml")
	for _, want := range []string{"managed-one", "managed-words", "kept", "managed-rule"} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not mention %s:\n%s", want, said)
		}
	}
	if d.get(t, "packages/managed-one") != nil {
		t.Error("it deployed")
	}
}

func reports(t *testing.T, d deployer) {
	said := d.run(t, folder(t, "wskdeploy/actions"), "GREETED=Ada", "report", "-m", "manifest.yaml")
	for _, want := range []string{"hello", "place", "Wien"} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not mention %s:\n%s", want, said)
		}
	}
}

func syncs(t *testing.T, d deployer) {
	dir := folder(t, "wskdeploy/project")
	d.run(t, dir, "sync", "-m", "first.yaml", "--projectname", "managed")
	wantAt(t, d.get(t, "packages/managed-one"), "managed", "annotations", "whisk-managed", "projectName")
	for _, path := range []string{
		"packages/managed-words", "packages/managed-two", "actions/managed-one/leaves", "actions/managed-one/chain",
		"triggers/managed-leaves", "rules/managed-rule-leaves",
	} {
		if d.get(t, path) == nil {
			t.Errorf("%s is not there", path)
		}
	}
	d.run(t, dir, "sync", "-m", "second.yaml", "--projectname", "managed")
	for _, path := range []string{
		"packages/managed-words", "packages/managed-two", "actions/managed-two/other", "actions/managed-one/leaves",
		"actions/managed-one/chain", "triggers/managed-leaves", "rules/managed-rule-leaves",
	} {
		if d.get(t, path) != nil {
			t.Errorf("%s is still there", path)
		}
	}
	wantAt(t, d.result(t, "managed-one/kept", struct{}{}), 2, "kept")
	wantAt(t, d.get(t, "triggers/managed-trigger"), 2, "parameters", "a")
	wantAt(t, d.get(t, "rules/managed-rule"), "comes", "action", "name")
	if d.get(t, "packages/flow") == nil {
		t.Error("it removed a package that the project does not manage")
	}
}

// exports writes the project of the last case, removes it, and deploys what
// was written.
func exports(t *testing.T, d deployer) {
	dir := t.TempDir()
	d.run(t, dir, "export", "--projectname", "managed", "-m", "exported.yaml")
	manifest, err := os.ReadFile(filepath.Join(dir, "exported.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"managed-one", "kept", "comes", "managed-trigger", "managed-rule"} {
		if !strings.Contains(string(manifest), want) {
			t.Errorf("%s is not in\n%s", want, manifest)
		}
	}
	code, err := os.ReadFile(filepath.Join(dir, "managed-one", "kept.js"))
	if err != nil || !strings.Contains(string(code), "kept: 2") {
		t.Errorf("the code of kept is %s, %v", code, err)
	}
	d.run(t, dir, "undeploy", "--projectname", "managed")
	d.run(t, dir, "-m", "exported.yaml")
	wantAt(t, d.result(t, "managed-one/kept", struct{}{}), 2, "kept")
	wantAt(t, d.get(t, "rules/managed-rule"), "comes", "action", "name")
	d.run(t, dir, "undeploy", "-m", "exported.yaml")
}

// exportsFeeds exports a project with feeds, bindings, sequences and an API.
func exportsFeeds(t *testing.T, d deployer) {
	d.run(t, folder(t, "wskdeploy/everything"), "sync", "--projectname", "everything")
	dir := t.TempDir()
	d.run(t, dir, "export", "--projectname", "everything", "-m", "exported.yaml")
	manifest, err := os.ReadFile(filepath.Join(dir, "exported.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"everything-words", "location: /whisk.system/utils", "chain", "feed: /whisk.system/alarms/alarm", "Europe/Vienna",
		"0 0 3 * * *", "everything-on-all", "everything-api", "page",
	} {
		if !strings.Contains(string(manifest), want) {
			t.Errorf("%s is not in\n%s", want, manifest)
		}
	}
	d.run(t, dir, "undeploy", "--projectname", "everything")
	if d.get(t, "triggers/everything-all") != nil {
		t.Error("the trigger is still there")
	}
}

func undeploysProject(t *testing.T, d deployer) {
	dir := folder(t, "wskdeploy/project")
	d.run(t, dir, "sync", "-m", "first.yaml", "--projectname", "managed")
	d.run(t, dir, "undeploy", "--projectname", "managed")
	for _, path := range []string{"packages/managed-one", "packages/managed-two", "packages/managed-words", "triggers/managed-trigger", "rules/managed-rule"} {
		if d.get(t, path) != nil {
			t.Errorf("%s is still there", path)
		}
	}
}

func undeploysAll(t *testing.T, d deployer) {
	for _, name := range []string{"actions", "flow", "bindings", "overrides"} {
		d.run(t, folder(t, "wskdeploy/"+name), "GREETED=x", "FROM_PARAM=x", "undeploy", "-m", "manifest.yaml")
	}
	for _, collection := range []string{"actions", "packages", "triggers", "rules"} {
		if left := d.list(t, collection); len(left) > 0 {
			t.Errorf("left of %s: %v", collection, left)
		}
	}
}

func refusesDeployments(t *testing.T, d deployer) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("broken.yaml", "packages: [")
	d.refused(t, dir, "ERROR_YAML", "-m", "broken.yaml")
	write("rule.yaml", "packages:\n  broken:\n    triggers:\n      broken-trigger:\n    rules:\n      broken-rule:\n        trigger: broken-trigger\n        action: missing\n")
	d.refused(t, dir, "action /guest/broken/missing does not exist", "-m", "rule.yaml")
	write("fine.yaml", "packages:\n  fine:\n    inputs:\n      a: 1\n")
	wrong := d
	forged := *d.Server
	forged.Key = strings.Split(d.Key, ":")[0] + ":" + strings.Repeat("0", 64)
	wrong.Server = &forged
	wrong.refused(t, dir, "401", "-m", "fine.yaml")
}
