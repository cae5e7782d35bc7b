package imagebuild_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/imagebuild"
)

// seedParameters are those of the Knative-build prototype.
var seedParameters = []string{
	"OW_ACTION_NAME", "OW_ACTION_CODE", "OW_ACTION_MAIN", "OW_ACTION_BINARY", "OW_HTTP_METHODS",
	"OW_ACTION_RAW", "OW_RUNTIME_PLATFORM", "OW_RUNTIME_DEBUG",
}

func clusterSpecs(t *testing.T) map[string]imagebuild.ClusterSpec {
	t.Helper()
	file := filepath.Join(folder(t, map[string]string{"hello.js": "const a = '$(cat)'; " + hello}), "hello.js")
	base := imagebuild.ActionSpec{Base: "registry.internal/nodejs:20", Kind: "nodejs:20", Methods: []string{"GET", "POST"}}
	code, git := base, base
	code.Source, git.Source = file, "https://git.internal/shop.git#v2:cart"
	return map[string]imagebuild.ClusterSpec{
		"code": {ActionSpec: code, Image: "registry.internal/hello:1", Builder: "registry.internal/gowhisk:1", Namespace: "builds"},
		"git":  {ActionSpec: git, Image: "registry.internal/shop:1", Builder: "registry.internal/gowhisk:1", Secret: "mine"},
	}
}

func TestObjectsForTektonAreOfItsSchema(t *testing.T) {
	known := schemas(t, "github.com/tektoncd/pipeline")
	w := newWorld(t)
	for name, spec := range clusterSpecs(t) {
		text, err := w.Tekton(spec)
		if err != nil {
			t.Fatal(err)
		}
		kinds := validate(t, text, known)
		for _, kind := range []string{"ServiceAccount", "Task", "Pipeline", "TaskRun"} {
			if kinds[kind] == nil {
				t.Errorf("%s: there is no %s", name, kind)
			}
		}
		if _, own := kinds["Secret"]; own != (spec.Secret == "") {
			t.Errorf("%s: a Secret is printed: %v", name, own)
		}
		for _, kind := range []string{"Task", "Pipeline"} {
			if missing := lacking(t, kinds[kind], "params", append(seedParameters, "OW_PROJECT_URL")); len(missing) > 0 {
				t.Errorf("%s: the %s lacks %q", name, kind, missing)
			}
		}
		if strings.Contains(string(text), "$(cat)") {
			t.Errorf("%s: Kubernetes would read a variable in the code", name)
		}
	}
}

func TestObjectsForShipwrightAreOfItsSchema(t *testing.T) {
	known := schemas(t, "github.com/shipwright-io/build")
	w := newWorld(t)
	for name, spec := range clusterSpecs(t) {
		text, err := w.Shipwright(spec)
		if err != nil {
			t.Fatal(err)
		}
		kinds := validate(t, text, known)
		for _, kind := range []string{"ServiceAccount", "BuildStrategy", "Build", "BuildRun"} {
			if kinds[kind] == nil {
				t.Errorf("%s: there is no %s", name, kind)
			}
		}
		if missing := lacking(t, kinds["BuildStrategy"], "parameters", seedParameters); len(missing) > 0 {
			t.Errorf("%s: the strategy lacks %q", name, missing)
		}
	}
}

// lacking are the names that the list of an object's specification does not have.
func lacking(t *testing.T, object map[string]any, list string, names []string) []string {
	t.Helper()
	spec, _ := object["spec"].(map[string]any)
	entries, _ := spec[list].([]any)
	var have []string
	for _, e := range entries {
		entry, _ := e.(map[string]any)
		name, _ := entry["name"].(string)
		have = append(have, name)
	}
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(have, name) })
}

func TestTheUserOfAnSSHAddressIsNoSecret(t *testing.T) {
	spec := clusterSpecs(t)["git"]
	spec.Source = "ssh://git@git.internal/shop.git"
	if text, err := newWorld(t).Shipwright(spec); err != nil || !strings.Contains(string(text), "url: ssh://git@git.internal/shop.git") {
		t.Errorf("got %v\n%s", err, text)
	}
}

func TestWhatDoesNotFitIntoObjectsIsRefused(t *testing.T) {
	w := newWorld(t)
	big := filepath.Join(t.TempDir(), "big.js")
	if err := os.WriteFile(big, make([]byte, 200<<10), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, source := range []string{big, t.TempDir(), "https://me:secret@git.internal/shop.git", "ext::sh -c id", "nowhere.js"} {
		spec := imagebuild.ClusterSpec{ActionSpec: imagebuild.ActionSpec{Source: source, Kind: "nodejs:20"}, Image: "x:1", Builder: "y:1"}
		for _, print := range []func(imagebuild.ClusterSpec) ([]byte, error){w.Tekton, w.Shipwright} {
			text, err := print(spec)
			if fault.CodeOf(err) != fault.SourceRefused || text != nil || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: got %s, %v", source, text, err)
			}
		}
	}
}

func TestAServiceAllowsTheMethodsThatItsImageWasBuiltFor(t *testing.T) {
	w := newWorld(t)
	image := w.push(w.Action(t.Context(), imagebuild.ActionSpec{Code: hello, Name: "hello", Kind: "nodejs:20", Base: w.runtime("nodejs:20"), Methods: []string{"GET", "PUT"}}))
	for _, row := range []struct {
		of   actionproxy.Action
		want string
	}{
		{actionproxy.Action{Name: "hello"}, `"methods":["GET","PUT"]`},
		{actionproxy.Action{Name: "hello", Methods: []string{"POST"}}, `"methods":["POST"]`},
	} {
		text, err := w.Service(t.Context(), imagebuild.ServiceSpec{Action: row.of, Image: image})
		if err != nil || !strings.Contains(string(text), row.want) {
			t.Errorf("want %s, got %v\n%s", row.want, err, text)
		}
	}
}

func TestTheServiceOfAnActionIsOfKnativesSchema(t *testing.T) {
	known := schemas(t, "knative.dev/serving")
	w := newWorld(t)
	if _, err := w.Push(t.Context(), w.action(), w.host+"/hello:1", nil); err != nil {
		t.Fatal(err)
	}
	shim := w.push(w.Shim(t.Context(), imagebuild.ShimSpec{Image: w.foreignRuntime("theirs:1", v1.Config{Cmd: []string{"/app"}})}))
	timeout, concurrency := 90_000, 5
	spec := imagebuild.ServiceSpec{
		Action: actionproxy.Action{
			Namespace: "guest", Package: "Utils", Name: "Hello World", Version: "0.0.2",
			Parameters:  actionproxy.KeyValues{{Key: "token", Value: json.RawMessage(`"s3cret"`)}},
			Annotations: actionproxy.KeyValues{{Key: "web-export", Value: json.RawMessage("true")}},
			Limits:      actionproxy.ActionLimits{Timeout: &timeout, Concurrency: &concurrency},
		},
		MemoryMB: 256, Image: w.host + "/hello:1", Namespace: "fn", Env: [][2]string{{"NAME", "Bob"}}, Scale: map[string]string{"min-scale": "1"}, Private: true,
	}
	text, err := w.Service(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	kinds := validate(t, text, known)
	service, err := json.Marshal(kinds["Service"])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"image":"` + w.host + `/hello@sha256:`, `"timeoutSeconds":95`, `"containerConcurrency":5`, `"memory":"256Mi"`, `"value":"Bob"`,
		`"autoscaling.knative.dev/min-scale":"1"`, `"name":"utils-hello-world"`, `"dev.gowhisk/action":"/guest/Utils/Hello World"`,
		`"networking.knative.dev/visibility":"cluster-local"`, `"runAsNonRoot":true`, `"containerPort":8080`,
	} {
		if !strings.Contains(string(service), want) {
			t.Errorf("the Service has no %s:\n%s", want, service)
		}
	}
	if strings.Contains(string(service), "s3cret") || !strings.Contains(string(text), "s3cret") {
		t.Errorf("parameters belong into the Secret:\n%s", text)
	}
	data, _ := kinds["Secret"]["stringData"].(map[string]any)
	settings, _ := data["action.json"].(string)
	if doc := object(t, settings); doc["code"] != "/action/code" || doc["kind"] != "nodejs:20" || doc["name"] != "Hello World" {
		t.Errorf("action.json: %s", settings)
	}

	spec.Image = shim
	if text, err = w.Service(t.Context(), spec); err != nil || !strings.Contains(string(text), "containerPort: 8090") || !strings.Contains(string(text), "runAsNonRoot: false") {
		t.Errorf("of a shim: %v\n%s", err, text)
	}
	validate(t, text, known)
	spec.Image = w.runtime("nodejs:20")
	if _, err := w.Service(t.Context(), spec); fault.CodeOf(err) != fault.BaseRefused {
		t.Errorf("of a runtime: %v", err)
	}
}
