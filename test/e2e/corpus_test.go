package e2e

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/imagebuild"
	"github.com/gowhisk/gowhisk/test/corpus"
)

// services is the target of the corpus that is a cluster: every sample becomes an image, and the image
// a Knative Service.
type services struct {
	t        testing.TB
	cluster  *cluster
	runtimes runtimeImages
}

// Name is the name that samples know the single entry point by.
func (*services) Name() string { return "knative" }

// Deploy builds, pushes, applies and waits.
func (s *services) Deploy(ctx context.Context, sample corpus.Sample) (corpus.Client, error) {
	base, err := s.runtimes.of(s.t, s.cluster, sample.Kind())
	if err != nil {
		return nil, err
	}
	name := strings.ToLower(sample.Name + "-" + sample.Language)
	objects := stemCell(name, base, 8080, sample.Env)
	if !sample.Stem {
		if objects, err = s.service(ctx, name, base, sample); err != nil {
			return nil, err
		}
	}
	host, err := s.cluster.serve(ctx, name, objects)
	if err != nil {
		return nil, err
	}
	at := corpus.At{Sample: sample, URL: s.cluster.ingress, Action: name, Header: map[string]string{"Host": host}}
	return client{at, s.cluster, name}, nil
}

// client calls a Service through the ingress.
type client struct {
	corpus.At
	cluster *cluster
	name    string
}

// Close removes the Service.
func (c client) Close() error { return c.cluster.remove(context.Background(), c.name) }

// service builds the image of a sample and describes its Service.
func (s *services) service(ctx context.Context, name, base string, sample corpus.Sample) (string, error) {
	dir := s.t.TempDir()
	file, err := write(dir, sample)
	if err != nil {
		return "", err
	}
	args := []string{file, "--name", name, "--base", base, "--push", s.cluster.registry + "/e2e/" + name}
	if len(sample.Methods) > 0 {
		args = append(args, "--methods", strings.Join(sample.Methods, ","))
	}
	image, err := tryBuild(s.t, args...)
	if err != nil {
		return "", err
	}
	action := actionproxy.Action{Namespace: "guest", Name: name, Version: "0.0.1"}
	if action.Annotations, err = keyValues(sample.AllAnnotations()); err != nil {
		return "", err
	}
	if action.Parameters, err = keyValues(sample.Parameters); err != nil {
		return "", err
	}
	b := imagebuild.Builder{Work: dir}
	text, err := b.Service(ctx, imagebuild.ServiceSpec{Action: action, Image: image, Env: imagebuild.Pairs(sample.Env)})
	return string(text), err
}

// write puts the sample's code where gowhisk build finds it.
func write(dir string, sample corpus.Sample) (string, error) {
	file, code := filepath.Join(dir, "action."+sample.Language), []byte(sample.Code)
	if sample.Binary {
		var err error
		if code, err = base64.StdEncoding.DecodeString(sample.Code); err != nil {
			return "", err
		}
		file = filepath.Join(dir, "action.zip")
	}
	return file, os.WriteFile(file, code, 0o644)
}

func keyValues(values map[string]any) (actionproxy.KeyValues, error) {
	var kv actionproxy.KeyValues
	for _, key := range slices.Sorted(maps.Keys(values)) {
		text, err := json.Marshal(values[key])
		if err != nil {
			return nil, err
		}
		kv = append(kv, actionproxy.KeyValue{Key: key, Value: text})
	}
	return kv, nil
}

// stemCell is the Service of a runtime image that gets its action by a request: there is one of it, and
// it stays.
func stemCell(name, image string, port int, env map[string]string) string {
	var list []string
	for _, pair := range imagebuild.Pairs(env) {
		list = append(list, fmt.Sprintf("{name: %s, value: %q}", pair[0], pair[1]))
	}
	return fmt.Sprintf(`
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: %s, labels: {app.kubernetes.io/managed-by: gowhisk}}
spec:
  template:
    metadata: {annotations: {autoscaling.knative.dev/min-scale: "1", autoscaling.knative.dev/max-scale: "1"}}
    spec:
      containers:
      - image: %s
        ports: [{containerPort: %d}]
        env: [%s]
        readinessProbe: {httpGet: {path: /readyz}}
`, name, image, port, strings.Join(list, ", "))
}

// hasBase says which are the languages of whose images the cluster has a base.
func hasBase(target corpus.Target, sample corpus.Sample) bool {
	if target.Name() == "shim" {
		return sample.Language == "js" || sample.Language == "py" // there are runtimes of others in them
	}
	return slices.Contains([]string{"js", "py", "go", "sh"}, sample.Language)
}

// TestImagesOfTheCorpusAnswerAsEveryOtherTarget has a column for the proxy, and one for the shim in front
// of the runtimes of others.
func TestImagesOfTheCorpusAnswerAsEveryOtherTarget(t *testing.T) {
	samples, err := corpus.Load("../corpus/testdata/corpus")
	if err != nil {
		t.Fatal(err)
	}
	c := newCluster(t)
	targets := []corpus.Target{&services{t: t, cluster: c}, &shims{t: t, cluster: c, images: map[string]string{}}}
	var mu sync.Mutex
	cells := map[string]string{} // by sample and target; guarded by mu
	t.Run("samples", func(t *testing.T) {
		for _, sample := range samples {
			for _, target := range targets {
				if !sample.On(target.Name()) || !hasBase(target, sample) {
					continue
				}
				t.Run(sample.Name+"/"+sample.Language+"/"+target.Name(), func(t *testing.T) {
					t.Parallel()
					cell := answer(t, target, sample)
					mu.Lock()
					defer mu.Unlock()
					cells[sample.Name+" "+sample.Language+" "+target.Name()] = cell
				})
			}
		}
	})
	table := fmt.Sprintf("%-36s %-18s %s\n", "corpus on a cluster", "knative", "shim")
	for _, sample := range samples {
		name := sample.Name + " " + sample.Language
		knative, shim := cells[name+" knative"], cells[name+" shim"]
		if knative != "" || shim != "" {
			table += fmt.Sprintf("%-36s %-18s %s\n", name, cmp.Or(knative, "–"), cmp.Or(shim, "–"))
		}
	}
	record(t, "corpus", table)
}

// answer deploys one sample and compares its answers.
func answer(t *testing.T, target corpus.Target, sample corpus.Sample) string {
	client, err := target.Deploy(t.Context(), sample)
	if err != nil {
		t.Error(err)
		return "not deployed"
	}
	defer func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	}()
	got, err := corpus.Run(t.Context(), sample, client)
	if err != nil {
		t.Error(err)
	}
	want, err := corpus.Golden(sample)
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
		return "differs"
	}
	return fmt.Sprintf("ok, %d requests", len(sample.Requests))
}
