package e2e

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// recipe is an image on one of the cluster's: with a file of testdata/foreign in /srv, which a command
// starts.
type recipe struct {
	base    string // such as python:0
	file    string // empty for none
	command []string
	change  func(*v1.ConfigFile) // nil for nothing more
	auth    authn.Authenticator  // of the registry it goes to
}

// push makes the image and returns its reference.
func (r recipe) push(t *testing.T, c *cluster, to string) string {
	t.Helper()
	image := r.image(t, c)
	ref, err := name.ParseReference(to)
	if err != nil {
		t.Fatal(err)
	}
	if r.auth == nil {
		r.auth = authn.Anonymous
	}
	if err := remote.Write(ref, image, remote.WithContext(t.Context()), remote.WithAuth(r.auth)); err != nil {
		t.Fatal(err)
	}
	return to
}

func (r recipe) image(t *testing.T, c *cluster) v1.Image {
	t.Helper()
	from, err := name.ParseReference(c.registry + "/" + r.base)
	if err != nil {
		t.Fatal(err)
	}
	image, err := remote.Image(from, remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	if r.file != "" {
		if image, err = mutate.AppendLayers(image, layer(t, r.file)); err != nil {
			t.Fatal(err)
		}
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.Config.Entrypoint, config.Config.Cmd = r.command, nil
	if r.change != nil {
		r.change(config)
	}
	if image, err = mutate.ConfigFile(image, config); err != nil {
		t.Fatal(err)
	}
	return image
}

// layer has a file of testdata/foreign in /srv.
func layer(t *testing.T, file string) v1.Layer {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata/foreign", file))
	if err != nil {
		t.Fatal(err)
	}
	var content bytes.Buffer
	archive := tar.NewWriter(&content)
	if err := archive.WriteHeader(&tar.Header{Name: "srv/" + file, Mode: 0o644, Size: int64(len(text))}); err != nil {
		t.Fatal(err)
	}
	if _, err := archive.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	added, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	return added
}

// zipped writes an archive with these files, which are executable, where wsk runs.
func (o *onCluster) zipped(file string, content map[string]string) string {
	o.t.Helper()
	var b bytes.Buffer
	archive := zip.NewWriter(&b)
	for _, path := range slices.Sorted(maps.Keys(content)) {
		h := &zip.FileHeader{Name: path, Method: zip.Deflate}
		h.SetMode(0o755)
		w, err := archive.CreateHeader(h)
		if err != nil {
			o.t.Fatal(err)
		}
		if _, err := io.WriteString(w, content[path]); err != nil {
			o.t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		o.t.Fatal(err)
	}
	return o.file(file, b.String())
}

func TestImagesOfAllKindsAreActions(t *testing.T) {
	c := newCluster(t)
	at := c.registry + "/e2e/images-"
	python := recipe{base: "python:0", file: "runtime.py", command: []string{"python3", "/srv/runtime.py"}}.push(t, c, at+"python:1")
	nodejs := recipe{base: "node:0", file: "runtime.js", command: []string{"node", "/srv/runtime.js"}}.push(t, c, at+"node:1")
	skeleton := recipe{base: "python:0", file: "skeleton.py", command: []string{"python3", "/srv/skeleton.py"}}.push(t, c, at+"skeleton:1")
	other := recipe{base: "python:0", file: "runtime.py", command: []string{"python3", "/srv/runtime.py"}, change: func(c *v1.ConfigFile) { c.Architecture = "s390x" }}.push(t, c, at+"other:1")
	silent := recipe{base: "python:0"}.push(t, c, at+"silent:1")
	ours := build(t, "runtime", "--kind", "nodejs:18", "--base", c.registry+"/node:0", "--push", at+"ours")
	dedicated := build(t, written(t, "baked.js", `function main(a) { return {baked: a.name} }`), "--name", "baked", "--base", ours, "--serve", "openwhisk", "--push", at+"baked")

	on := serveOn(t, "--knative-registry", c.registry+"/e2e-actions", "--knative-images", fmt.Sprintf("nodejs:18=%s/node:0,blackbox=%s/python:0", c.registry, c.registry), "--knative-stem-cells", "all=0")
	const script = "#!/bin/bash\necho a line\necho '{ \"hello\": \"ran without a docker pull!\", \"in\": '\"$1\"' }'\n"
	archive := on.zipped("exec.zip", map[string]string{"exec": script, "more/data.txt": "x"})
	big := on.zipped("big.zip", map[string]string{"exec": script, "more/data.txt": noise(2 << 20)})
	source := on.file("code.js", "function main(a) { return {code: a.name} }\n")
	rows := []struct {
		name string
		args []string
		want string
	}{
		{"python-without-code", []string{"--docker", python}, `"in":"the image"`},
		{"python-with-code", []string{on.file("code.py", "def main(args): return {'code': args['name']}\n"), "--docker", python}, `"code":"World"`},
		{"node-without-code", []string{"--docker", nodejs}, `"in":"the image"`},
		{"node-with-code", []string{source, "--docker", nodejs}, `"code":"World"`},
		{"node-with-main", []string{on.file("other.js", "function other(a) { return {other: a.name} }\n"), "--main", "other", "--docker", nodejs}, `"other":"World"`},
		{"zip", []string{archive, "--docker", skeleton}, "ran without a docker pull!"},
		{"big-zip", []string{big, "--docker", skeleton}, "ran without a docker pull!"},
		{"native-zip", []string{archive, "--native"}, "ran without a docker pull!"},
		{"native-script", []string{on.file("exec", script), "--native"}, "ran without a docker pull!"},
		{"ours", []string{source, "--docker", ours}, `"code":"World"`},
		{"ours-dedicated", []string{"--docker", dedicated}, `"baked":"World"`},
		{"absent", []string{"--docker", at + "absent:1"}, "Failed to pull container image '" + at + "absent:1'."},
		{"other-machine", []string{"--docker", other}, "linux/s390x"},
		{"without-command", []string{"--docker", silent}, "neither entrypoint nor command"},
	}
	for _, row := range rows {
		on.do(append([]string{"action", "create", row.name}, row.args...)...)
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			a := on.invoke(row.name, map[string]string{"name": "World"})
			if !strings.Contains(compact(string(a.Response.Result)), row.want) {
				t.Errorf("%q is missing in %s", row.want, a.Response.Result)
			}
		})
	}
}

// written is a file with that content.
func written(t *testing.T, file, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), file)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// private is a registry that wants credentials, which the node knows how to speak to.
func private(t *testing.T, c *cluster, user authn.Basic) string {
	t.Helper()
	hosts := filepath.Join(filepath.Dir(os.Getenv("KUBECONFIG")), "../run/certs.d")
	if _, err := os.Stat(hosts); err != nil {
		t.Skipf("no test/cluster whose node could be told of another registry: %v", err)
	}
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, password, _ := r.BasicAuth()
		if subtle.ConstantTimeCompare([]byte(name+":"+password), []byte(user.Username+":"+user.Password)) != 1 {
			w.Header().Set("WWW-Authenticate", `Basic realm="private"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	host, _, err := net.SplitHostPort(c.registry)
	if err != nil {
		t.Fatal(err)
	}
	if server.Listener, err = net.Listen("tcp", host+":0"); err != nil { //nolint:noctx // it does not wait
		t.Fatal(err)
	}
	server.Start()
	t.Cleanup(server.Close)
	at := server.Listener.Addr().String()
	dir := filepath.Join(hosts, at)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	text := fmt.Sprintf("server = \"http://%s\"\n[host.\"http://%s\"]\n  capabilities = [\"pull\", \"resolve\"]\n", at, at)
	if err := os.WriteFile(filepath.Join(dir, "hosts.toml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return at
}

func TestPrivateRegistriesAreReadWithCredentials(t *testing.T) {
	c := newCluster(t)
	user := authn.Basic{Username: "ann", Password: "secret"}
	at := private(t, c, user)
	image := recipe{base: "python:0", file: "runtime.py", command: []string{"python3", "/srv/runtime.py"}, auth: &user}.push(t, c, at+"/theirs:1")
	settings := []string{"--knative-registry", c.registry + "/e2e-actions", "--knative-images", "nodejs:18=" + c.registry + "/node:0", "--knative-stem-cells", "all=0"}

	t.Setenv("DOCKER_CONFIG", t.TempDir())
	without := serveOn(t, settings...)
	without.do("action", "create", "theirs", "--docker", image)
	without.says("without credentials", string(without.invoke("theirs", struct{}{}).Response.Result), "Failed to pull container image '"+image+"'.")

	var list []activation
	if _, err := without.call(t.Context(), http.MethodGet, "/activations?name=theirs&docs=true", nil, &list); err != nil || len(list) != 1 || !strings.Contains(fmt.Sprintf("%s", list[0].Annotations), "wants other credentials") {
		t.Errorf("the activation does not say why: %+v, %v", list, err)
	}
	config, err := json.Marshal(map[string]any{"auths": map[string]any{at: map[string]string{
		"auth": base64.StdEncoding.EncodeToString([]byte(user.Username + ":" + user.Password)),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	settings[1] = at + "/actions" // the nodes need credentials, too
	with := serveOn(t, append(settings, "--knative-pull-secret", "pull")...)
	with.mustKubectl(t, "", "create", "secret", "docker-registry", "pull", "--docker-server", at, "--docker-username", user.Username, "--docker-password", user.Password)
	with.do("action", "create", "theirs", "--docker", image)
	with.says("with credentials", compact(string(with.invoke("theirs", struct{}{}).Response.Result)), `"in":"the image"`)
	with.do("action", "create", "hello", with.file("hello.js", "function main() { return {hello: 1} }"), "--kind", "nodejs:18")
	with.says("an action of the cluster", string(with.invoke("hello", struct{}{}).Response.Result), `"hello":1`)
}

// noise is a text that no archive makes much smaller.
func noise(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return string(b)
}
