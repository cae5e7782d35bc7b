package script

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gowhisk/gowhisk/test/live"
)

// onChart is the cluster with the server in it, too: every script has a release of charts/gowhisk.
const onChart = "chart"

// release is what helm installs for each script.
type release struct {
	helm, chart, image, digest string
}

// makeRelease has the server's image made of this source.
func (b *backend) makeRelease(t *testing.T) error {
	program := filepath.Join(t.TempDir(), "gowhisk")
	proxy, err := b.proxy()
	if err != nil {
		return err
	}
	compile := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, "../../cmd/gowhisk")
	compile.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := compile.CombinedOutput(); err != nil {
		return fmt.Errorf("build gowhisk: %w: %s", err, out)
	}
	made, err := live.Gowhisk(t, "build", "server", "--quiet", "--binary", program, "--proxy", proxy, "--push", b.registry+"/scripts/server").Output()
	if err != nil {
		return fmt.Errorf("make the server's image: %w", err)
	}
	b.release.image, b.release.digest, _ = strings.Cut(strings.TrimSpace(string(made)), "@")
	for path, to := range map[string]*string{"../../bin/helm": &b.release.helm, "../../charts/gowhisk": &b.release.chart} {
		if *to, err = filepath.Abs(path); err != nil {
			return err
		}
		if _, err := os.Stat(*to); err != nil {
			return fmt.Errorf("%w (make bin/helm)", err)
		}
	}
	return nil
}

// install brings the release into the script's namespace, with the second user.
func (b *backend) install(ts *testscript.TestScript, s *instance) {
	values, err := json.Marshal(map[string]any{
		"image":    map[string]any{"repository": b.release.image, "digest": b.release.digest},
		"knative":  map[string]any{"registry": b.registry + "/scripts/actions"},
		"runtimes": b.images,
		"whisk":    map[string]any{"ingress": map[string]any{"type": "ClusterIP"}},
		"k8s":      map[string]any{"persistence": map[string]any{"enabled": false}},
		"settings": map[string]any{"knative": map[string]any{"stemCells": map[string]int{"all": 0, "nodejs:18": 1}}},
	})
	ts.Check(err)
	file := filepath.Join(ts.MkAbs("."), ".values.json")
	ts.Check(os.WriteFile(file, values, 0o600))
	for _, kind := range []string{"CACHE", "CONFIG", "DATA"} {
		ts.Setenv("HELM_"+kind+"_HOME", ts.MkAbs(".helm"))
	}
	ts.Check(ts.Exec(b.release.helm, "install", "owdev", b.release.chart, "--namespace", s.namespace, "--wait", "--timeout", "3m", "--values", file))
	ts.Check(ts.Exec("kubectl", "-n", s.namespace, "get", "service", "owdev-gowhisk", "-o", "jsonpath={.spec.clusterIP}"))
	url := "http://" + strings.TrimSpace(ts.ReadFile("stdout")) + ":3233"
	ts.Check(ts.Exec("kubectl", "-n", s.namespace, "exec", "owdev-gowhisk-0", "--", "gowhisk", "admin", "user", "create", userName, "-u", userKey))
	ts.Setenv("SERVER", url)
	s.installed = true
	ts.Check(answers(url))
	b.face(ts, s, url)
}

// answers waits until the way to a Service of Kubernetes is open.
func answers(url string) error {
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for deadline := time.Now().Add(patience); ; <-again.C {
		response, err := http.Get(url + "/ping")
		if err == nil {
			if err = response.Body.Close(); err == nil && response.StatusCode == http.StatusOK {
				return nil
			}
			err = errors.Join(err, errors.New(response.Status))
		}
		if time.Now().After(deadline) {
			return err
		}
	}
}

var (
	bareServe = regexp.MustCompile(`(?m)^serve$`)
	anyServe  = regexp.MustCompile(`(?m)^!? ?serve\b`)
)

// notOnChart is why a script needs a server of this host; empty if it does not.
func notOnChart(name string) (string, error) {
	if why := onlyLocal[name]; why != "" {
		return why, nil
	}
	text, err := os.ReadFile(filepath.Join("testdata", name+".txtar"))
	if err != nil {
		return "", err
	}
	story, _, _ := strings.Cut(string(text), "\n-- ")
	for _, row := range []struct {
		so  bool
		why string
	}{
		{len(anyServe.FindAllString(story, -1)) != 1, "starts the server again, or not"},
		{!bareServe.MatchString(story), "starts the server with flags"},
		{strings.Contains(story, "\ncrash\n"), "kills the server"},
		{strings.Contains(story, "__OW_API_HOST"), "expects that pods and clients have one address of the server"},
		{strings.Contains(story, "gowhisk admin"), "reads the data directory of the server"},
		{strings.Contains(story, "\nregistry\n") || strings.Contains(story, "\nkafka "), "starts something beside the server"},
	} {
		if row.so {
			return row.why, nil
		}
	}
	return "", nil
}
