package imagebuild_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/imagebuild"
)

// repository serves a git repository with two commits, the first of them tagged v1, to who has the
// password, and returns its URL and the commits.
func repository(t *testing.T) (url string, commits []string) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not on this machine")
	}
	dir := filepath.Join(t.TempDir(), "shop.git")
	git := func(args ...string) string {
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@b.invalid", "-c", "init.defaultBranch=main"}, args...)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	if err := os.MkdirAll(filepath.Join(dir, "cart"), 0o755); err != nil {
		t.Fatal(err)
	}
	git("init", "--quiet")
	for _, version := range []string{"one", "two"} {
		for _, name := range []string{"index.js", "cart/index.js"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(version+name), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		git("add", ".")
		git("commit", "--quiet", "-m", version)
		commits = append(commits, git("rev-parse", "HEAD"))
		if version == "one" {
			git("tag", "v1")
		}
	}
	git("update-server-info")
	files := http.FileServer(http.Dir(filepath.Join(dir, ".git")))
	server := httptest.NewServer(http.StripPrefix("/shop.git", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "me" || password != "s3cret" {
			w.Header().Set("WWW-Authenticate", "Basic")
			http.Error(w, "who are you", http.StatusUnauthorized)
			return
		}
		files.ServeHTTP(w, r)
	})))
	t.Cleanup(server.Close)
	return strings.Replace(server.URL, "http://", "http://me:s3cret@", 1) + "/shop.git", commits
}

func TestARevisionOfARepositoryIsBuilt(t *testing.T) {
	w := newWorld(t)
	url, commits := repository(t)
	for _, row := range []struct{ fragment, text, commit, name string }{
		{"", "twoindex.js", commits[1], "shop"},
		{"#v1", "oneindex.js", commits[0], "shop"},
		{"#main", "twoindex.js", commits[1], "shop"},
		{"#" + commits[0], "oneindex.js", commits[0], "shop"},
		{"#v1:cart", "onecart/index.js", commits[0], "cart"},
	} {
		ref := w.push(w.Action(t.Context(), imagebuild.ActionSpec{Source: url + row.fragment, Kind: "nodejs:20", Base: imagebuild.Scratch}))
		c, files := w.config(ref), w.files(ref)
		if files["action/index.js"] != row.text || c.Labels[imagebuild.LabelRevision] != row.commit || c.Labels[imagebuild.LabelTitle] != row.name {
			t.Errorf("%s: %q, %v", row.fragment, files["action/index.js"], c.Labels)
		}
		for _, value := range c.Labels {
			if strings.Contains(value, "s3cret") {
				t.Errorf("%s: a label has the password: %s", row.fragment, value)
			}
		}
		for name, content := range files {
			if strings.HasPrefix(name, "action/.git") || strings.Contains(content, "s3cret") {
				t.Errorf("%s: %s is in the image", row.fragment, name)
			}
		}
	}
}

func TestRepositoriesNeitherRunCommandsNorLeakCredentials(t *testing.T) {
	w := newWorld(t)
	mark := filepath.Join(t.TempDir(), "mark")
	url, _ := repository(t)
	for _, source := range []string{
		"ext::sh -c touch% " + mark,
		"git+ext::sh -c touch% " + mark,
		"file:///etc/repo.git",
		"git+file:///etc#main",
		"--upload-pack=touch " + mark + "#x",
		"https://-oProxyCommand=touch/x.git",
		"ssh://-oProxyCommand=touch/x.git",
		"ssh://-l@host/x.git",
		"git@-oProxyCommand=x:repo.git",
		"http://example.invalid/shop.git",
		"https://example.invalid/page",
		url + "#--upload-pack=touch",
		url + "#-x",
		url + "#main:../..",
		url + "#nothing",
		url + "#main:nowhere",
		strings.Replace(url, "s3cret", "wr0ng", 1),
	} {
		_, err := w.Action(t.Context(), imagebuild.ActionSpec{Source: source, Kind: "nodejs:20", Base: imagebuild.Scratch})
		if fault.CodeOf(err) != fault.SourceRefused {
			t.Errorf("%s: got %v", source, err)
			continue
		}
		if strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "wr0ng") {
			t.Errorf("%s: the error has the password: %v", source, err)
		}
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("a command ran")
	}
}
