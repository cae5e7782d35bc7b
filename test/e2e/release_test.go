package e2e

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/test/live"
)

// release is an installation of the chart, as the users of helm and wsk see it.
type release struct {
	onCluster
	helm   string
	values []string // files
}

// newRelease prepares one in a namespace where pods are restricted, and a volume where the cluster
// makes none by itself.
func newRelease(t *testing.T) *release {
	t.Helper()
	c := newCluster(t)
	c.mustKubectl(t, "", "label", "namespace", c.namespace, "pod-security.kubernetes.io/enforce=restricted")
	c.volume(t, "data-owdev-gowhisk-0")
	r := &release{onCluster: onCluster{cluster: c, t: t, dir: t.TempDir(), wsk: live.Tool(t, "../..", "wsk", "github.com/sciabarracom/openwhisk-cli")}, helm: helmCommand(t)}
	r.env = append(os.Environ(), "HOME="+r.dir, "WSK_CONFIG_FILE="+filepath.Join(r.dir, "wskprops"), "SSL_CERT_FILE="+filepath.Join(r.dir, "gowhisk.pem"))
	image, digest, _ := strings.Cut(serverImage(t, c), "@")
	r.values = append(r.values, r.file("images.yaml", fmt.Sprintf(`
image: {repository: %q, digest: %q}
knative: {registry: %q}
runtimes: {"nodejs:18": %q, "python:3.11": %q}
`, image, digest, c.registry+"/"+c.namespace, c.registry+"/node:0", c.registry+"/python:0")))
	return r
}

// volume makes one for a claim, unless the cluster has a default class. It is on this host, which is
// the node of the kit's cluster.
func (c *cluster) volume(t *testing.T, claim string) {
	t.Helper()
	if classes := c.mustKubectl(t, "", "get", "storageclass", "--output", "name"); strings.TrimSpace(classes) != "" {
		return
	}
	name := c.namespace + "-data"
	c.mustKubectl(t, fmt.Sprintf(`
apiVersion: v1
kind: PersistentVolume
metadata: {name: %s}
spec:
  capacity: {storage: 10Gi}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  local: {path: %q}
  nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: Exists}]}]}}
  claimRef: {namespace: %s, name: %s}
`, name, t.TempDir(), c.namespace, claim), "apply", "-f", "-")
	t.Cleanup(func() {
		if out, err := c.kubectl(context.Background(), "", "delete", "persistentvolume", name, "--wait=false"); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
}

// helmCommand is the real one, as make builds it.
func helmCommand(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../../bin/helm")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		return path
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-C", "../chart", "-trimpath", "-ldflags", "-s -w", "-o", path, "helm.sh/helm/v4/cmd/helm")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build helm: %v\n%s", err, out)
	}
	return path
}

// serverImage pushes the image of the server.
func serverImage(t *testing.T, c *cluster) string {
	t.Helper()
	return build(t, "server", "--binary", serverProgram(t), "--push", c.registry+"/e2e/gowhisk:test")
}

// serverProgram builds the server as it goes into an image.
func serverProgram(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "gowhisk")
	compile := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, "../../cmd/gowhisk")
	compile.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("build gowhisk: %v\n%s", err, out)
	}
	return program
}

// run has helm do something in the namespace.
func (r *release) run(args ...string) string {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, r.helm, append(args, "--namespace", r.namespace)...)
	cmd.Env, cmd.Dir = append(os.Environ(), "HELM_CACHE_HOME="+r.dir, "HELM_CONFIG_HOME="+r.dir, "HELM_DATA_HOME="+r.dir), r.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		why, _ := r.kubectl(context.WithoutCancel(ctx), "", "get", "pods,events")
		logs, _ := r.kubectl(context.WithoutCancel(ctx), "", "logs", "owdev-gowhisk-0", "--tail=20")
		r.t.Fatalf("helm %q: %v: %s\n%s\n%s", args, err, out, why, logs)
	}
	return string(out)
}

// install installs or upgrades, and waits until the API is reached from outside.
func (r *release) install(verb string, more ...string) string {
	r.t.Helper()
	chart, err := filepath.Abs("../../charts/gowhisk")
	if err != nil {
		r.t.Fatal(err)
	}
	args := []string{verb, "owdev", chart, "--wait", "--timeout", "4m"}
	for _, file := range r.values {
		args = append(args, "--values", file)
	}
	return r.run(append(args, more...)...)
}

// answers waits until the URL of the API does, whoever signs for it.
func (r *release) answers(url string) {
	r.t.Helper()
	// Each time anew: before the node knows the address, connections to it lead elsewhere, and stay there.
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	ctx, cancel := context.WithTimeout(r.t.Context(), 3*time.Minute)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		resp, err := client.Get(url + "/ping")
		if err == nil && resp.Body.Close() == nil {
			if resp.StatusCode == http.StatusOK {
				return
			}
			err = errors.New(resp.Status)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			state, _ := r.kubectl(context.WithoutCancel(ctx), "", "get", "pods,services,endpointslices,events", "--output", "wide")
			r.t.Fatalf("%s does not answer: %v\n%s", url, err, state)
		}
	}
}

// freeNodePort is wanted, or one that no Service has.
func (c *cluster) freeNodePort(t *testing.T, wanted int) int {
	t.Helper()
	taken := " " + c.mustKubectl(t, "", "get", "services", "--all-namespaces", "--output", "jsonpath={.items[*].spec.ports[*].nodePort}") + " "
	for strings.Contains(taken, fmt.Sprintf(" %d ", wanted)) {
		wanted++
	}
	return wanted
}
