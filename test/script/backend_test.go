package script

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/crane"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gowhisk/gowhisk/test/live"
)

// Where the actions of the scripts run: in sandboxes of this host, or on the cluster of the environment.
const (
	onLocal   = "local"
	onKnative = "knative"
)

// backend is one of them.
type backend struct {
	name    string
	proxy   func() (string, error) // path of the program actionproxy
	cluster                        // but for onLocal
}

// cluster is Kubernetes with Knative, and a registry with the images that test/cluster makes.
type cluster struct {
	registry string
	host     string            // address at which pods reach this machine
	entry    string            // where requests for cluster-local hosts enter
	events   string            // where events for Channels do
	images   map[string]string // with the proxy, by kind
	release  release           // with onChart
}

// bases are the images that the kinds run on, which need not all be there.
var bases = map[string]string{
	"nodejs:18": "node:0", "python:3.11": "python:0", "php:8.2": "php:0", "ruby:3.1": "ruby:0",
	"go:1.26": "python:0", "bash:5": "python:0", "blackbox": "python:0",
}

// newBackend reads SCRIPT_BACKEND, and for a cluster KUBECONFIG and REGISTRY.
func newBackend(t *testing.T, proxy func() (string, error)) *backend {
	t.Helper()
	b := &backend{name: os.Getenv("SCRIPT_BACKEND"), proxy: proxy}
	switch b.name {
	case "", onLocal:
		b.name = onLocal
		return b
	case onKnative, onChart:
	default:
		t.Fatalf("SCRIPT_BACKEND is %s, not %s, %s or %s", b.name, onLocal, onKnative, onChart)
	}
	b.registry = os.Getenv("REGISTRY")
	host, _, err := net.SplitHostPort(b.registry)
	if err != nil || os.Getenv("KUBECONFIG") == "" {
		t.Fatal("KUBECONFIG and REGISTRY name no cluster: make e2e starts one")
	}
	b.host = host
	if b.entry, err = kubectl(t.Context(), "get", "service", "ingress-private", "-n", "mini-ingress", "-o", "jsonpath={.spec.clusterIP}"); err != nil {
		t.Fatal(err)
	}
	if b.events, err = kubectl(t.Context(), "get", "service", "imc-dispatcher", "-n", "knative-eventing", "-o", "jsonpath={.spec.clusterIP}"); err != nil {
		t.Fatal(err)
	}
	if err := b.makeImages(t); err != nil {
		t.Fatal(err)
	}
	if b.name == onChart {
		if err := b.makeRelease(t); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// makeImages puts the proxy into those bases that the registry has, so that no script has to.
func (b *backend) makeImages(t *testing.T) error {
	proxy, err := b.proxy()
	if err != nil {
		return err
	}
	b.images = map[string]string{}
	for kind, base := range bases {
		base = b.registry + "/" + base
		if _, err := crane.Digest(base); err != nil {
			t.Logf("no actions of kind %s: %v", kind, err)
			continue
		}
		cmd := live.Gowhisk(t, "build", "runtime", "--quiet", "--kind", kind, "--base", base, "--proxy", proxy,
			"--push", b.registry+"/scripts/"+strings.ReplaceAll(kind, ":", "-"))
		var said bytes.Buffer
		cmd.Stderr = &said
		made, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("make the image of %s: %w: %s", kind, err, &said)
		}
		b.images[kind] = strings.TrimSpace(string(made))
	}
	return nil
}

// has reports whether actions of the family can run.
func (b *backend) has(family string) bool {
	for kind := range b.images {
		if strings.HasPrefix(kind, family+":") {
			return true
		}
	}
	return false
}

// home is that of the server: on a cluster whoever runs the tests, who has compiled something before.
func (b *backend) home(ts *testscript.TestScript) string {
	if b.name == onLocal {
		return ts.MkAbs(".")
	}
	return os.Getenv("HOME")
}

// flags of gowhisk serve that have actions run there.
func (b *backend) flags(namespace string) ([]string, error) {
	if b.name == onLocal {
		return []string{"--listen", "127.0.0.1:0"}, nil
	}
	proxy, err := b.proxy()
	if err != nil {
		return nil, err
	}
	var images []string
	for kind, ref := range b.images {
		images = append(images, kind+"="+ref)
	}
	slices.Sort(images)
	return []string{
		"--listen", b.host + ":0", "--bootstrap-keys", "public", "--backend", onKnative,
		"--knative-kubeconfig", os.Getenv("KUBECONFIG"), "--knative-namespace", namespace, "--knative-ingress", "http://" + b.entry, "--knative-events-ingress", "http://" + b.events,
		"--knative-stem-cells", "all=0,nodejs:18=1",
		"--knative-registry", b.registry + "/scripts/actions", "--knative-images", strings.Join(images, ","), "--knative-proxies", proxy,
	}, nil
}

// namespace makes one of Kubernetes for a script, which ends with it.
func (b *backend) namespace(env *testscript.Env) (string, error) {
	if b.name == onLocal {
		return "", nil
	}
	name := fmt.Sprintf("%s-%x", filepath.Base(env.WorkDir), time.Now().UnixNano())
	_, err := kubectl(context.Background(), "create", "namespace", name)
	env.Defer(func() {
		if t, ok := env.T().(run); ok && t.Failed() {
			t.Log(state(name))
		}
		if _, err := kubectl(context.Background(), "delete", "namespace", name, "--wait=false"); err != nil {
			env.T().Log(err)
		}
	})
	return name, err
}

// state is what an engineer asks a cluster after a failure.
func state(namespace string) string {
	var all []string
	for _, args := range [][]string{
		{"get", "ksvc,revision,pod", "-o", "wide"},
		{"get", "events", "--field-selector", "type=Warning", "--sort-by", ".lastTimestamp"},
		{"logs", "-l", "app.kubernetes.io/managed-by=gowhisk", "-c", "action", "--tail", "20", "--prefix"},
	} {
		out, err := kubectl(context.Background(), append(args, "-n", namespace)...)
		if err != nil {
			out = err.Error()
		}
		all = append(all, "$ kubectl "+strings.Join(args, " ")+"\n"+out)
	}
	return strings.Join(all, "\n")
}

func kubectl(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "kubectl", args...)
	out, err := cmd.Output()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, failed.Stderr)
	}
	return strings.TrimSpace(string(out)), err
}

// buildProxy makes actionproxy in dir when it is first asked for.
func buildProxy(dir string) func() (string, error) {
	return sync.OnceValues(func() (string, error) {
		proxy := filepath.Join(dir, "actionproxy")
		cmd := exec.Command("go", "build", "-trimpath", "-o", proxy, "../../cmd/actionproxy")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("build actionproxy: %w: %s", err, out)
		}
		return proxy, nil
	})
}
