package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// cluster is a namespace of the test's own on the cluster that the environment names.
type cluster struct {
	registry, ingress, namespace string
}

// newCluster makes a namespace, which the end of the test removes. Without a cluster the test skips.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	for _, variable := range []string{"KUBECONFIG", "REGISTRY", "INGRESS"} {
		if os.Getenv(variable) == "" {
			t.Skipf("%s names no cluster: make e2e starts one", variable)
		}
	}
	c := &cluster{registry: os.Getenv("REGISTRY"), ingress: os.Getenv("INGRESS"), namespace: fmt.Sprintf("e2e-%x", time.Now().UnixNano())}
	c.mustKubectl(t, "", "create", "namespace", c.namespace)
	t.Cleanup(func() {
		if out, err := c.kubectl(context.Background(), "", "delete", "namespace", c.namespace, "--wait=false"); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	return c
}

// kubectl runs it in the namespace, with input on stdin.
func (c *cluster) kubectl(ctx context.Context, input string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "kubectl", append([]string{"--namespace", c.namespace}, args...)...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

func (c *cluster) mustKubectl(t testing.TB, input string, args ...string) string {
	t.Helper()
	out, err := c.kubectl(t.Context(), input, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// serve applies objects of which one is the Service of that name, waits until it is ready and returns
// its host.
func (c *cluster) serve(ctx context.Context, name, objects string) (string, error) {
	if _, err := c.kubectl(ctx, objects, "apply", "-f", "-"); err != nil {
		return "", err
	}
	if err := c.ready(ctx, name); err != nil {
		why, _ := c.kubectl(ctx, "", "get", "ksvc,revision,pod", "-o", "wide")
		logs, _ := c.kubectl(ctx, "", "logs", "-l", "serving.knative.dev/service="+name, "-c", "user-container", "--tail=30")
		return "", errors.Join(err, fmt.Errorf("%s\n%s", why, logs))
	}
	url, err := c.kubectl(ctx, "", "get", "ksvc", name, "-o", "jsonpath={.status.url}")
	return strings.TrimPrefix(url, "http://"), err
}

// ready waits three minutes at most; for one whose container ends again and again not so long.
func (c *cluster) ready(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	for {
		_, err := c.kubectl(ctx, "", "wait", "ksvc/"+name, "--for=condition=Ready", "--timeout=10s")
		if err == nil || ctx.Err() != nil {
			return err
		}
		reasons, _ := c.kubectl(ctx, "", "get", "pods", "-l", "serving.knative.dev/service="+name,
			"-o", "jsonpath={.items[*].status.containerStatuses[*].state.waiting.reason}")
		if strings.Contains(reasons, "CrashLoopBackOff") {
			return fmt.Errorf("service %s: %s", name, reasons)
		}
	}
}

// remove deletes a Service; its pods go on their own time.
func (c *cluster) remove(ctx context.Context, name string) error {
	_, err := c.kubectl(ctx, "", "delete", "ksvc/"+name, "secret/"+name+"-action", "--ignore-not-found", "--wait=false")
	return err
}

// runtimeImages are made once for each language, on the Debian images that the kit pushes.
type runtimeImages struct {
	mu    sync.Mutex
	built map[string]string // language to reference; guarded by mu
}

// of returns the runtime image of nodejs, python, go or bash.
func (r *runtimeImages) of(t testing.TB, c *cluster, family string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ref := r.built[family]; ref != "" {
		return ref, nil
	}
	// Debian 12 has these versions.
	kind := map[string]string{"nodejs": "nodejs:18", "python": "python:3.11", "go": "go:1.26", "bash": "bash:5"}[family]
	base := map[string]string{"nodejs": "node:0", "python": "python:0", "go": "python:0", "bash": "python:0"}[family]
	ref, err := tryBuild(t, "runtime", "--kind", kind, "--base", c.registry+"/"+base, "--push", c.registry+"/e2e/"+family)
	if err != nil {
		return "", err
	}
	if r.built == nil {
		r.built = map[string]string{}
	}
	r.built[family] = ref
	return ref, nil
}
