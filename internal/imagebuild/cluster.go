package imagebuild

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"sigs.k8s.io/yaml"
)

// ClusterSpec says which build a cluster is to do. The cluster runs this same program, from an image
// that holds it and actionproxy; neither Docker nor privileges are needed there.
type ClusterSpec struct {
	ActionSpec
	// Image is where the result is pushed.
	Image string
	// Builder is the image with gowhisk and actionproxy.
	Builder string
	// Namespace of the objects; empty leaves it to kubectl.
	Namespace string
	// Secret has the credentials for the registry, as `kubectl create secret docker-registry` makes
	// it. Empty makes one without any, to be filled in.
	Secret string
	// Project is the URL of the source; without it the code itself travels in the objects.
	Project string
}

// Parameters of the Knative-build prototype, which every form of a cluster build has, with what they
// are for.
const (
	paramName    = "OW_ACTION_NAME"
	paramCode    = "OW_ACTION_CODE"
	paramMain    = "OW_ACTION_MAIN"
	paramBinary  = "OW_ACTION_BINARY"
	paramMethods = "OW_HTTP_METHODS"
	paramRaw     = "OW_ACTION_RAW"
	paramProject = "OW_PROJECT_URL"
	paramServe   = "OW_RUNTIME_PLATFORM"
	paramDebug   = "OW_RUNTIME_DEBUG"
	paramKind    = "OW_RUNTIME_KIND"
	paramVersion = "OW_ACTION_VERSION"
	paramNotes   = "OW_ACTION_ANNOTATIONS"
)

// Names of the objects that every action shares.
const (
	clusterName = "gowhisk-build"
	noSecret    = "gowhisk-registry"
)

// parameter of a task or a build strategy.
type parameter struct{ name, description, standard, value string }

// mostInline bounds code that travels in an object, in bytes: a variable of the environment, which it
// becomes, may have 128 KiB.
const mostInline = 120 << 10

// parameters are those of the seed, with the values of this build.
func (spec ClusterSpec) parameters(s *source) ([]parameter, error) {
	code, binary := "", false
	if spec.Project == "" {
		var err error
		if code, binary, err = s.inObject(); err != nil {
			return nil, err
		}
	}
	notes, err := spec.notes()
	if err != nil {
		return nil, err
	}
	return []parameter{
		{paramName, "name of the action", "", spec.Name},
		{paramCode, "the code itself, base64 if OW_ACTION_BINARY is true", "", code},
		{paramMain, "entry point", "", spec.Main},
		{paramBinary, "whether OW_ACTION_CODE is base64", "false", strconv.FormatBool(binary)},
		{paramMethods, "HTTP methods that reach the action, separated by blanks", "", strings.Join(spec.Methods, " ")},
		{paramRaw, "whether the action takes HTTP requests as they are", "false", strconv.FormatBool(spec.Annotations.IsTrue("raw-http"))},
		{paramProject, "git repository with the source, as URL#REVISION:FOLDER", "", spec.Project},
		{paramServe, "openwhisk or knative", "knative", spec.serve()},
		{paramDebug, "whether the proxy traces", "false", strconv.FormatBool(spec.Debug)},
		{paramKind, "kind of the action, such as nodejs:20", "", spec.Kind},
		{paramVersion, "version of the action", "", spec.Version},
		{paramNotes, "annotations of the action, a JSON object", "", notes},
	}, nil
}

// notes are the annotations as a JSON object, empty if there are none.
func (spec ClusterSpec) notes() (string, error) {
	if len(spec.Annotations) == 0 {
		return "", nil
	}
	all := map[string]json.RawMessage{}
	for _, a := range spec.Annotations {
		all[a.Key] = a.Value
	}
	text, err := json.Marshal(all)
	if err != nil {
		return "", fmt.Errorf("write the annotations: %w", err)
	}
	return string(text), nil
}

func (spec ClusterSpec) serve() string {
	if spec.Serve == "" {
		return "knative"
	}
	return spec.Serve
}

// inObject is the code as text, or as base64 where it is none or where Kubernetes would read
// references to variables in it.
func (s *source) inObject() (code string, binary bool, err error) {
	if s.dir != "" {
		return "", false, refusedSource(s.given, "A folder does not fit into an object: name its git repository, or a zip of it.", nil)
	}
	code = string(s.content)
	if !utf8.Valid(s.content) || strings.Contains(code, "$(") || strings.Contains(code, "$$") {
		code, binary = base64.StdEncoding.EncodeToString(s.content), true
	}
	if len(code) > mostInline {
		return "", false, refusedSource(s.given, fmt.Sprintf("Its %d bytes do not fit into an object, which holds %d: name a git repository.", len(code), mostInline), nil)
	}
	return code, binary, nil
}

// clusterSource reads the source if it has to travel in the objects, without opening archives.
func (b *Builder) clusterSource(spec *ClusterSpec) (*source, error) {
	s := &source{given: "the code", content: []byte(spec.Code), file: "code"}
	r, isRepository, wrong := parseRepository(spec.Source)
	switch {
	case spec.Source == "":
	case isRepository && wrong != nil:
		return nil, refusedSource("the repository", "The URL can not be used: "+wrong.Error()+".", wrong)
	case isRepository && r.secret():
		return nil, refusedSource(r.url, "Its URL has credentials, which would be readable in the cluster.", nil)
	case isRepository:
		spec.Project = spec.Source
		s = &source{given: r.url, name: nameOf(strings.TrimSuffix(r.url, ".git"))}
	default:
		content, err := readBounded(spec.Source)
		if err != nil {
			return nil, refusedSource(spec.Source, oneLine(err.Error()), err)
		}
		s = &source{given: spec.Source, name: nameOf(spec.Source), file: filepath.Base(spec.Source), content: content}
	}
	if spec.Name == "" {
		spec.Name = s.name
	}
	if spec.Kind == "" {
		spec.Kind = s.inferFamily()
	}
	if spec.Name == "" || spec.Kind == "" {
		return nil, refusedSource(s.given, "A build in a cluster needs --name and --kind where the file does not tell.", nil)
	}
	kind, err := fullKind(spec.Kind)
	spec.Kind = kind
	return s, err
}

// objectName makes a name of Kubernetes of an action's.
func objectName(name string) string {
	const longest = 50 // revisions and pods append to it, and may have 63
	name = regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(name), "-")
	if len(name) > longest {
		name = name[:longest]
	}
	if name = strings.Trim(name, "-"); name == "" || name[0] < 'a' {
		name = strings.TrimSuffix("action-"+name, "-")
	}
	return name
}

// thing is a part of an object.
type thing = map[string]any

func object(version, kind, name, namespace string, more thing) thing {
	metadata := thing{"name": name, "labels": thing{"app.kubernetes.io/managed-by": "gowhisk"}}
	if namespace != "" {
		metadata["namespace"] = namespace
	}
	o := thing{"apiVersion": version, "kind": kind, "metadata": metadata}
	for key, value := range more {
		o[key] = value
	}
	return o
}

// accounts are the ServiceAccount and, unless there is one, the Secret.
func (spec ClusterSpec) accounts() (secret string, objects []thing) {
	secret = spec.Secret
	if secret == "" {
		secret = noSecret
		objects = append(objects, object("v1", "Secret", secret, spec.Namespace, thing{
			"type": "kubernetes.io/dockerconfigjson", "stringData": thing{".dockerconfigjson": `{"auths":{}}`},
		}))
	}
	named := []any{thing{"name": secret}}
	return secret, append(objects, object("v1", "ServiceAccount", clusterName, spec.Namespace, thing{"secrets": named, "imagePullSecrets": named}))
}

// secured is the security context of a step: the builder needs no rights.
func secured() thing {
	return thing{
		"allowPrivilegeEscalation": false, "runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532,
		"capabilities": thing{"drop": []any{"ALL"}}, "seccompProfile": thing{"type": "RuntimeDefault"},
	}
}

// documents writes objects as YAML.
func documents(objects []thing) ([]byte, error) {
	var out bytes.Buffer
	for _, o := range objects {
		text, err := yaml.Marshal(o)
		if err != nil {
			return nil, fmt.Errorf("write objects: %w", err)
		}
		out.WriteString("---\n")
		out.Write(text)
	}
	return out.Bytes(), nil
}
