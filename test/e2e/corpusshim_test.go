package e2e

import (
	"context"
	"encoding/base64"
	"maps"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/imagebuild"
	"github.com/gowhisk/gowhisk/test/corpus"
)

// shims is the target of the corpus that is a cluster with the runtimes of others: what gowhisk build
// shim makes of their images, with a layer for the sample.
type shims struct {
	t       testing.TB
	cluster *cluster
	mu      sync.Mutex
	images  map[string]string // by language; guarded by mu
}

// Name is the name that samples know the shim by.
func (*shims) Name() string { return "shim" }

// image is the runtime of a language behind the shim.
func (s *shims) image(ctx context.Context, language string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ref := s.images[language]; ref != "" {
		return ref, nil
	}
	program, base := map[string]string{"js": "node", "py": "python3"}[language], map[string]string{"js": "node", "py": "python"}[language]
	text, err := os.ReadFile("../corpus/testdata/foreign/runtime." + language)
	if err != nil {
		return "", err
	}
	file := "srv/runtime." + language
	theirs, err := layered(ctx, s.cluster.registry+"/"+base+":0", s.cluster.registry+"/e2e/corpus-theirs:"+language, map[string][]byte{file: text}, func(c *v1.Config) {
		c.Entrypoint, c.Cmd = []string{program, "/" + file}, nil
	})
	if err != nil {
		return "", err
	}
	ref, err := tryBuild(s.t, "shim", theirs, "--push", s.cluster.registry+"/e2e/corpus-shim-"+language)
	if err == nil {
		s.images[language] = ref
	}
	return ref, err
}

// Deploy puts the action into the image, applies and waits.
func (s *shims) Deploy(ctx context.Context, sample corpus.Sample) (corpus.Client, error) {
	image, err := s.image(ctx, sample.Language)
	if err != nil {
		return nil, err
	}
	name := "shim-" + sample.Name + "-" + sample.Language
	objects := stemCell(name, image, 8090, sample.Env)
	if !sample.Stem {
		if objects, err = s.service(ctx, name, image, sample); err != nil {
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

func (s *shims) service(ctx context.Context, name, image string, sample corpus.Sample) (string, error) {
	action := actionproxy.Action{Namespace: "guest", Name: name, Version: "0.0.1"}
	var err error
	if action.Annotations, err = keyValues(sample.AllAnnotations()); err != nil {
		return "", err
	}
	if action.Parameters, err = keyValues(sample.Parameters); err != nil {
		return "", err
	}
	code := []byte(sample.Code)
	if sample.Binary {
		if code, err = base64.StdEncoding.DecodeString(sample.Code); err != nil {
			return "", err
		}
	}
	labels := map[string]string{imagebuild.LabelKind: sample.Kind(), imagebuild.LabelMain: sample.Main, imagebuild.LabelCode: "/action/code",
		imagebuild.LabelBinary: strconv.FormatBool(sample.Binary), imagebuild.LabelMethods: strings.Join(sample.Methods, ",")}
	image, err = layered(ctx, image, s.cluster.registry+"/e2e/"+name, map[string][]byte{"action/code": code}, func(c *v1.Config) { maps.Copy(c.Labels, labels) })
	if err != nil {
		return "", err
	}
	b := imagebuild.Builder{Work: s.t.TempDir()}
	objects, err := b.Service(ctx, imagebuild.ServiceSpec{Action: action, Image: image, Env: imagebuild.Pairs(sample.Env)})
	return string(objects), err
}
