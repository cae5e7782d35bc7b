package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// mycluster is the file of the guides of OpenWhisk on kind, with their misplaced keys.
const mycluster = `
whisk:
  ingress:
    type: NodePort
    apiHostName: %s
    apiHostPort: %d
  invoker:
    containerFactory:
      impl: "kubernetes"
  nginx:
    httpsNodePort: %d
`

const helloPython = `def main(args):
    name = args.get("name", "stranger")
    greeting = "Hello " + name + "!"
    print(greeting)
    return {"greeting": greeting}
`

// TestTheChartBringsOpenWhiskToACluster goes the way of the guides, with helm and wsk as they are, and
// never accepts a certificate unseen.
func TestTheChartBringsOpenWhiskToACluster(t *testing.T) {
	r := newRelease(t)
	host, _, err := net.SplitHostPort(r.registry)
	if err != nil {
		t.Fatal(err)
	}
	port := r.freeNodePort(t, 31001)
	r.values = append(r.values, r.file("mycluster.yaml", fmt.Sprintf(mycluster, host, port, port)))
	url := fmt.Sprintf("https://%s:%d", host, port)
	times := newStopwatch()

	notes := r.install("install")
	r.says("notes", notes, "wsk property set --apihost "+url)
	times.lap("helm install --wait")
	r.answers(url)
	r.trust()
	r.login(url)
	times.lap("wsk property set")
	r.do("action", "create", "helloPython", r.file("hello.py", helloPython))
	r.says("invoke", r.do("action", "invoke", "helloPython", "--param", "name", "World", "--result"), `"greeting": "Hello World!"`)
	times.lap("create and first invoke")
	times.sum("install to first successful invoke")

	r.says("helm test", r.run("test", "owdev", "--logs"), "ok  delete")
	times.lap("helm test")
	memory := r.memory()

	r.install("upgrade", "--set", "whisk.limits.actionsInvokesPerminute=599")
	r.answers(url) // with the authority that is trusted already
	r.says("limits after the upgrade", r.do("namespace", "get"), "helloPython")
	r.says("invoke after the upgrade", r.do("action", "invoke", "helloPython", "--param", "name", "again", "--result"), `"greeting": "Hello again!"`)
	times.lap("helm upgrade and invoke")

	r.run("uninstall", "owdev", "--wait")
	r.until("something is left", func() bool { return r.left() == "" })
	times.lap("helm uninstall, all gone")

	r.install("install")
	r.answers(url)
	r.says("invoke after a new installation", r.do("action", "invoke", "helloPython", "--param", "name", "new", "--result"), `"greeting": "Hello new!"`)
	times.lap("install on kept data and invoke")
	r.run("uninstall", "owdev", "--wait")
	record(t, "chart", times.table()+"goal from install to first successful invoke: 60 s\n"+memory)
}

// trust has the tools trust the server's authority, as the notes say.
func (r *release) trust() {
	r.t.Helper()
	pem := r.mustKubectl(r.t, "", "exec", "owdev-gowhisk-0", "--", "gowhisk", "certificate")
	if err := os.WriteFile(filepath.Join(r.dir, "gowhisk.pem"), []byte(pem), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// login sets the properties of wsk, as the notes say.
func (r *release) login(url string) {
	r.t.Helper()
	key := r.mustKubectl(r.t, "", "get", "secret", "owdev-gowhisk-auth", "--output", "go-template={{.data.guest | base64decode}}")
	r.do("property", "set", "--apihost", url, "--auth", key)
}

// left is what there still is of the release and of what the server made, the claim and its data
// apart, which stay.
func (r *release) left() string {
	r.t.Helper()
	all := r.mustKubectl(r.t, "", "get", "ksvc,channels.messaging.knative.dev,subscriptions.messaging.knative.dev,statefulsets,deployments,services,secrets,configmaps,"+
		"roles,rolebindings,serviceaccounts,networkpolicies,poddisruptionbudgets,jobs,pods", "--output", "name")
	var found []string
	for _, name := range strings.Fields(all) {
		switch name {
		case "configmap/kube-root-ca.crt", "serviceaccount/default":
		default:
			found = append(found, name)
		}
	}
	return strings.Join(found, " ")
}

// stopwatch makes a table of times.
type stopwatch struct {
	began, last time.Time
	rows        strings.Builder
	total       time.Duration
}

func newStopwatch() *stopwatch {
	now := time.Now()
	return &stopwatch{began: now, last: now}
}

func (s *stopwatch) lap(name string) {
	now := time.Now()
	fmt.Fprintf(&s.rows, "%-40s %8.1f s\n", name, now.Sub(s.last).Seconds())
	s.last = now
}

func (s *stopwatch) sum(name string) {
	s.total = time.Since(s.began)
	fmt.Fprintf(&s.rows, "%-40s %8.1f s\n", name, s.total.Seconds())
}

func (s *stopwatch) table() string { return s.rows.String() }

// TestImagesOnTheNodesNeedNoRegistry is the way of the page for kind: files of images are loaded onto
// the nodes, and nothing is pulled.
func TestImagesOnTheNodesNeedNoRegistry(t *testing.T) {
	t.Parallel()
	r := newRelease(t)
	socket := filepath.Join(filepath.Dir(os.Getenv("KUBECONFIG")), "../run/containerd.sock")
	if _, err := os.Stat(socket); err != nil {
		t.Skipf("the nodes of this cluster are not this host: %v", err)
	}
	tag := strings.TrimPrefix(r.namespace, "e2e-")
	for _, args := range [][]string{
		{"server", "--binary", serverProgram(t)},
		{"runtime", "--kind", "python:3.11", "--base", r.registry + "/python:0"},
	} {
		file, name := filepath.Join(r.dir, args[0]+".tar"), "dev.local/"+args[0]+":"+tag
		build(t, append(args, "--tar", file, "--as", name)...)
		if out, err := exec.CommandContext(t.Context(), "ctr", "--address", socket, "--namespace", "k8s.io", "images", "import", file).CombinedOutput(); err != nil {
			t.Fatalf("ctr: %v: %s", err, out)
		}
		t.Cleanup(func() {
			if out, err := exec.Command("ctr", "--address", socket, "--namespace", "k8s.io", "images", "remove", name).CombinedOutput(); err != nil {
				t.Errorf("ctr: %v: %s", err, out)
			}
		})
	}
	r.values = []string{r.file("local.yaml", fmt.Sprintf(`
image: {repository: dev.local/server, tag: %q}
runtimes: {"python:3.11": "dev.local/runtime:%s"}
whisk: {ingress: {type: ClusterIP}}
k8s: {persistence: {enabled: false}}
`, tag, tag))}
	r.install("install")
	url := "http://" + r.mustKubectl(t, "", "get", "service", "owdev-gowhisk", "--output", "jsonpath={.spec.clusterIP}") + ":3233"
	r.answers(url)
	r.login(url)
	r.do("action", "create", "helloPython", r.file("hello.py", helloPython))
	r.says("invoke", r.do("action", "invoke", "helloPython", "--param", "name", "World", "--result"), `"greeting": "Hello World!"`)
	r.run("uninstall", "owdev")
}
