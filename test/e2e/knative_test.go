package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/test/live"
)

// onCluster is a server whose actions run on a cluster, as the users of wsk see it.
type onCluster struct {
	*cluster
	t      *testing.T
	dir    string
	wsk    string
	env    []string
	data   string // directory of the server
	flags  []string
	server *live.Server
}

// serveOn starts one outside of the cluster. Pods reach it at the address that the registry has.
func serveOn(t *testing.T, flags ...string) *onCluster {
	t.Helper()
	c := newCluster(t)
	entry := c.mustKubectl(t, "", "get", "service", "ingress-private", "--namespace", "mini-ingress", "-o", "jsonpath={.spec.clusterIP}")
	host, _, err := net.SplitHostPort(c.registry)
	if err != nil {
		t.Fatal(err)
	}
	o := &onCluster{cluster: c, t: t, dir: t.TempDir(), data: t.TempDir(), wsk: live.Tool(t, "../..", "wsk", "github.com/sciabarracom/openwhisk-cli")}
	o.env = append(os.Environ(), "HOME="+o.dir, "WSK_CONFIG_FILE="+filepath.Join(o.dir, "wskprops"))
	o.flags = append([]string{
		"--listen", host + ":0", "--bootstrap-keys", "public", "--invocations-per-minute", "10000", "--backend", "knative",
		"--knative-kubeconfig", os.Getenv("KUBECONFIG"), "--knative-namespace", c.namespace, "--knative-ingress", "http://" + entry, "--knative-proxies", proxy,
	}, flags...)
	o.start()
	return o
}

// start starts the server, also again after its end.
func (o *onCluster) start() {
	o.t.Helper()
	o.server = live.Start(o.t, o.data, o.flags...)
	o.flags[1] = strings.TrimPrefix(o.server.URL, "http://") // actions are told where it is
	o.do("property", "set", "--apihost", o.server.URL, "--auth", o.server.Key)
}

// do runs wsk and returns what it prints.
func (o *onCluster) do(args ...string) string {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, o.wsk, args...)
	cmd.Env, cmd.Dir = o.env, o.dir
	out, err := cmd.CombinedOutput()
	if err != nil && !strings.Contains(strings.Join(args, " "), "invoke") {
		o.t.Fatalf("wsk %q: %v: %s", args, err, out)
	}
	return string(out)
}

// try is do for what may not work yet.
func (o *onCluster) try(args ...string) (string, bool) {
	o.t.Helper()
	cmd := exec.CommandContext(o.t.Context(), o.wsk, args...)
	cmd.Env, cmd.Dir = o.env, o.dir
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

func (o *onCluster) file(name, content string) string {
	o.t.Helper()
	if err := os.WriteFile(filepath.Join(o.dir, name), []byte(content), 0o600); err != nil {
		o.t.Fatal(err)
	}
	return name
}

// says fails the test if out lacks the words.
func (o *onCluster) says(what, out, words string) {
	o.t.Helper()
	if !strings.Contains(out, words) {
		o.t.Errorf("%s: %q is missing in\n%s", what, words, out)
	}
}

// until waits for something that the cluster will do.
func (o *onCluster) until(what string, ok func() bool) {
	o.t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	late := time.After(3 * time.Minute) // the machine may be small
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			o.t.Fatal(what)
		}
	}
}

// services are those in the namespace, by full name of the action.
func (o *onCluster) services() map[string]string {
	o.t.Helper()
	var list struct {
		Items []struct {
			Metadata struct {
				Name        string
				Annotations map[string]string
			}
		}
	}
	if err := json.Unmarshal([]byte(o.mustKubectl(o.t, "", "get", "ksvc", "-o", "json")), &list); err != nil {
		o.t.Fatal(err)
	}
	found := map[string]string{}
	for _, s := range list.Items {
		found[s.Metadata.Annotations["dev.gowhisk/action"]] = s.Metadata.Name
	}
	return found
}

const echo = `function main(a) { console.log('called', process.env.__OW_ACTIVATION_ID); return {version: VERSION, args: a} }`

func TestActionsLiveAsServicesOnACluster(t *testing.T) {
	registry := os.Getenv("REGISTRY")
	o := serveOn(t, "--knative-registry", registry+"/e2e-actions", "--knative-images", fmt.Sprintf("nodejs:18=%s/node:0,python:3.11=%s/python:0", registry, registry))
	o.do("action", "create", "echo", o.file("echo.js", strings.ReplaceAll(echo, "VERSION", "1")), "--kind", "nodejs:18", "-p", "bound", "1")
	o.says("invoke", o.do("action", "invoke", "echo", "--result", "--param", "name", "World"), `"name": "World"`)
	o.until("no logs", func() bool { return strings.Contains(o.do("activation", "logs", "--last"), "stdout: called") })
	o.says("get", o.do("action", "get", "echo"), `"version": "0.0.1"`)

	o.do("action", "update", "echo", o.file("echo.js", strings.ReplaceAll(echo, "VERSION", "2")), "--kind", "nodejs:18")
	o.says("new version", o.do("action", "invoke", "echo", "--result"), `"version": 2`)

	o.do("action", "create", "py", o.file("py.py", "def main(args):\n  return {'python': args.get('version')}\n"), "--kind", "python:3.11")
	o.do("action", "create", "both", "--sequence", "echo,py")
	o.says("sequence", o.do("action", "invoke", "both", "--result"), `"python": 2`)

	name := o.services()["/guest/echo"]
	o.mustKubectl(t, "", "delete", "ksvc", name)
	o.until("the deleted Service does not come back", func() bool { return o.services()["/guest/echo"] == name })
	o.says("after a deletion by hand", o.do("action", "invoke", "echo", "--result"), `"version": 2`)

	o.do("action", "delete", "echo")
	o.until("the Service stays", func() bool { return o.services()["/guest/echo"] == "" })
	o.until("Secrets stay", func() bool {
		return o.mustKubectl(t, "", "get", "secrets", "-l", "dev.gowhisk/service="+name, "-o", "name") == ""
	})
}

func TestFailuresOfActionsOnAClusterAreToldApart(t *testing.T) {
	registry := os.Getenv("REGISTRY")
	o := serveOn(t, "--knative-registry", registry+"/e2e-actions", "--knative-images", "nodejs:18="+registry+"/node:0")
	for name, row := range map[string]struct{ code, flag, value, want string }{
		"error":  {`function main() { return {error: "no"} }`, "-m", "256", `"error": "no"`},
		"syntax": {`function main( {`, "-m", "256", "SyntaxError"},
		"exit":   {`function main() { process.exit(3) }`, "-m", "256", "exited unexpectedly"},
		"late":   {`function main() { return new Promise(() => setTimeout(() => {}, 60000)) }`, "-t", "1000", "exceeded its time limits of 1000 milliseconds"},
		"memory": {`function main() { const x = []; for (;;) x.push(Buffer.alloc(8 << 20, 1)) }`, "-m", "128", "exhausted its memory"},
		"scale":  {`function main() { return {} }`, "-a", "autoscaling.knative.dev/min-scale=-1", "does not accept"},
	} {
		t.Run(name, func(t *testing.T) {
			args := []string{"action", "create", name, o.file(name+".js", row.code), "--kind", "nodejs:18", row.flag}
			if key, value, pair := strings.Cut(row.value, "="); pair {
				args = append(args, key, value)
			} else {
				args = append(args, row.value)
			}
			o.do(args...)
			o.says(name, o.do("action", "invoke", name, "--result"), row.want)
		})
	}
}

func TestSmallCodeNeedsNoRegistryForActions(t *testing.T) {
	registry := os.Getenv("REGISTRY")
	if registry == "" {
		t.Skip("REGISTRY names no registry with the kit's images: make e2e starts one")
	}
	runtime := build(t, "runtime", "--kind", "nodejs:18", "--base", registry+"/node:0", "--push", registry+"/e2e-actions/nodejs")
	o := serveOn(t, "--knative-images", "nodejs:18="+runtime)
	o.do("action", "create", "echo", o.file("echo.js", strings.ReplaceAll(echo, "VERSION", "3")), "--kind", "nodejs:18")
	o.says("invoke", o.do("action", "invoke", "echo", "--result"), `"version": 3`)
	if image := o.mustKubectl(t, "", "get", "ksvc", "-o", "jsonpath={.items[*].spec.template.spec.containers[*].image}"); image != runtime {
		t.Errorf("it runs in %s", image)
	}
	o.do("action", "create", "big", o.file("big.js", "// "+strings.Repeat("x", 1<<20)+"\n"+echo), "--kind", "nodejs:18")
	o.says("too big", o.do("action", "invoke", "big", "--result"), "holds at most 1048576")
}
