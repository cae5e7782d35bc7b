package knative

import (
	"cmp"
	"encoding/json"
	"fmt"
	"path"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/protocol"
	"github.com/gowhisk/gowhisk/internal/webaction"
)

// The resources of the cluster that are used.
var (
	serviceResource = schema.GroupVersionResource{Group: "serving.knative.dev", Version: "v1", Resource: "services"}
	secretResource  = schema.GroupVersionResource{Version: "v1", Resource: "secrets"}
	podResource     = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
)

// Labels and annotations of what is ours.
const (
	labelManager = "app.kubernetes.io/managed-by"
	manager      = "gowhisk"
	labelOwner   = "dev.gowhisk/owner"
	labelService = "dev.gowhisk/service" // of a Secret
	labelTag     = "dev.gowhisk/tag"
	labelVersion = "dev.gowhisk/version"
	labelKind    = "dev.gowhisk/kind"

	noteAction    = "dev.gowhisk/action"
	noteNamespace = "dev.gowhisk/namespace"
	noteBinding   = "dev.gowhisk/binding"
	noteImage     = "dev.gowhisk/image"

	scalePrefix = "autoscaling.knative.dev/"
	visibility  = "networking.knative.dev/visibility"
)

// Where the pod has its Secret.
const settingsDir = "/etc/gowhisk"

// The files of the Secret that pods have there; the key is not among them.
const (
	actionFile = "action.json"
	codeFile   = "code"
	reportFile = "report.json"
)

// secretLimit is what Kubernetes lets a Secret hold, in bytes.
const secretLimit = 1 << 20

// longestRequest is what Knative allows a request unless its operator changed it, in seconds. The wait
// for a pod is in it, and so are init and run, which the pod ends at their own limit.
const longestRequest = 600

type object = map[string]any

// manifest is a version of an action as objects of the cluster.
type manifest struct {
	plan
	place
	action *entity.Action
	image  Image
	code   string // as it was sent
}

func (b *Backend) labels(m manifest) object {
	return object{
		labelManager: manager, labelOwner: b.opt.Owner, labelTag: m.tag, labelVersion: m.action.Version.String(),
		labelKind: strings.Trim(strings.Map(labelRune, m.action.Exec.Kind), "-._"),
	}
}

func labelRune(r rune) rune {
	if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '.' || r == '_' {
		return r
	}
	return '-'
}

// secretObject has what the image has not: the settings, the key and maybe the code. They may hold
// credentials.
func (b *Backend) secretObject(m manifest) (*unstructured.Unstructured, error) {
	files, err := m.files()
	if err != nil {
		return nil, err
	}
	if files[reportFile], err = json.Marshal(object{"url": b.opt.APIHost, "name": m.revision(), "as": m.speaker()}); err != nil {
		return nil, fmt.Errorf("describe the pods of %s: %w", m.action.Name, err)
	}
	files["gateway-key"] = []byte(b.key(m.plan))
	data, size := object{}, 0
	for name, content := range files {
		data[name] = encode(content)
		size += len(content)
	}
	if size > secretLimit {
		return nil, tooBig(size)
	}
	labels := b.labels(m)
	labels[labelService] = m.service
	return &unstructured.Unstructured{Object: object{
		"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "immutable": true, "data": data,
		"metadata": object{
			"name": m.secret(), "namespace": b.opt.Namespace, "labels": labels,
			"annotations": object{noteAction: "/" + m.action.Name.String()},
		},
	}}, nil
}

// tooBig says that a cluster without registry cannot carry the action.
func tooBig(size int) error {
	return entity.Errorf(entity.TooLarge, "The code and parameters of the action have %d bytes. Without a registry they travel in a Secret of Kubernetes, which holds at most %d.", size, secretLimit).
		WithCode(fault.CodeTooBig)
}

// files are those of the Secret that say what to run.
func (m manifest) files() (map[string][]byte, error) {
	a := m.action
	described := describe(a, m.Namespace)
	described.Kind, described.Main = cmp.Or(m.image.Kind, described.Kind), cmp.Or(described.Main, m.image.Main)
	described.Code, described.Binary = m.image.Code, m.image.Binary
	files := map[string][]byte{}
	if m.image.Code == "" && m.code != "" {
		content, err := plainCode(m.code, a.Exec.Binary)
		if err != nil {
			return nil, err
		}
		described.Code, described.Binary = codeFile, a.Exec.Binary
		files[codeFile] = content
	}
	text, err := json.Marshal(described)
	if err != nil {
		return nil, fmt.Errorf("describe the action %s: %w", a.Name, err)
	}
	files[actionFile] = text
	return files, nil
}

// describe is what proxies are told of an action that the namespace invokes, beside its code.
func describe(a *entity.Action, namespace string) actionproxy.Action {
	timeout, logs, concurrency := int(a.Limits.Timeout.Milliseconds()), int(a.Limits.Logs), a.Limits.Concurrency
	described := actionproxy.Action{
		Namespace: a.Name.Namespace, Package: a.Name.Package, Name: a.Name.Name, Version: a.Version.String(),
		Kind: a.Exec.Kind, Main: a.Exec.Main,
		Env:    protocol.Env{"__OW_NAMESPACE": namespace, "__OW_ACTION_NAME": "/" + a.Name.String()},
		Limits: actionproxy.ActionLimits{Timeout: &timeout, Logs: &logs, Concurrency: &concurrency},
	}
	for _, p := range a.Parameters {
		described.Parameters = append(described.Parameters, actionproxy.KeyValue{Key: p.Key, Value: p.Value, Init: p.Init})
	}
	for _, p := range a.Annotations {
		described.Annotations = append(described.Annotations, actionproxy.KeyValue{Key: p.Key, Value: p.Value})
	}
	return described
}

// serviceObject is the Service of serving.knative.dev/v1.
func (b *Backend) serviceObject(m manifest) (*unstructured.Unstructured, error) {
	image, err := json.Marshal(m.image)
	if err != nil {
		return nil, fmt.Errorf("describe the image: %w", err)
	}
	a := m.action
	labels := b.labels(m)
	if !m.public() {
		labels[visibility] = "cluster-local"
	}
	notes := object{noteAction: "/" + a.Name.String(), noteNamespace: m.Namespace, noteImage: string(image)}
	if m.Binding != (entity.Name{}) {
		notes[noteBinding] = "/" + m.Binding.String()
	}
	return &unstructured.Unstructured{Object: object{
		"apiVersion": "serving.knative.dev/v1", "kind": "Service",
		"metadata": object{"name": m.service, "namespace": b.opt.Namespace, "labels": labels, "annotations": notes},
		"spec":     object{"template": b.template(m)},
	}}, nil
}

// public reports whether the Service is reached from outside: that of a web action which its own
// namespace has under its own name.
func (m manifest) public() bool {
	return m.Namespace == m.action.Name.Namespace && m.Binding == (entity.Name{}) && m.action.Annotations.IsTrue(webaction.AnnotationExport)
}

// mounted are the files of the Secret.
func (m manifest) mounted() []any {
	items := []any{object{"key": actionFile, "path": actionFile}, object{"key": reportFile, "path": reportFile}}
	if m.image.Code == "" && m.code != "" {
		items = append(items, object{"key": codeFile, "path": codeFile})
	}
	return items
}

// template is that of the version's Revision.
func (b *Backend) template(m manifest) object {
	limits := m.action.Limits
	notes := object{noteAction: "/" + m.action.Name.String()}
	for _, p := range m.action.Annotations {
		if strings.HasPrefix(p.Key, scalePrefix) {
			notes[p.Key] = textOf(p.Value)
		}
	}
	if limits.Instances != nil && notes[scalePrefix+"max-scale"] == nil {
		notes[scalePrefix+"max-scale"] = strconv.Itoa(*limits.Instances)
	}
	spec := object{
		"containerConcurrency": int64(limits.Concurrency),
		"timeoutSeconds":       int64(longestRequest), "responseStartTimeoutSeconds": int64(longestRequest),
		"enableServiceLinks": false, "automountServiceAccountToken": false,
		"containers": []any{b.container(m)},
		"volumes":    []any{object{"name": "action", "secret": object{"secretName": m.secret(), "items": m.mounted()}}},
	}
	if b.opt.PullSecret != "" {
		spec["imagePullSecrets"] = []any{object{"name": b.opt.PullSecret}}
	}
	return object{"metadata": object{"name": m.revision(), "labels": b.labels(m), "annotations": notes}, "spec": spec}
}

// resources are those of a container with so many MB. Processors are not requested: they would bound how
// many actions a node takes while most of them wait.
func resources(memory int64) object {
	size := object{"memory": strconv.FormatInt(memory, 10) + "Mi"}
	return object{"limits": size, "requests": size}
}

func (b *Backend) container(m manifest) object {
	port := int64(m.image.Port)
	if port == 0 {
		port = 8080
	}
	env := []any{
		object{"name": "OW_ACTION_FILE", "value": path.Join(settingsDir, actionFile)},
		object{"name": "OW_GATEWAY_KEY", "valueFrom": object{"secretKeyRef": object{"name": m.secret(), "key": "gateway-key"}}},
	}
	if b.opt.APIHost != "" {
		env = append(env, object{"name": "__OW_API_HOST", "value": b.opt.APIHost}, object{"name": "OW_REPORT_FILE", "value": path.Join(settingsDir, reportFile)})
	}
	if m.image.Kind != "" { // it may have been built for another platform
		env = append(env, object{"name": "__OW_RUNTIME_PLATFORM", "value": "knative"})
	}
	return object{
		"name": "action", "image": m.image.Reference, "env": env,
		"ports":     []any{object{"containerPort": port}},
		"resources": resources(m.action.Limits.Memory),
		// Ready is what listens. The proxy lets requests wait for the init, and answers with its failure.
		// This is Knative's default: said again, since a template without it counts as another one.
		"readinessProbe":  object{"successThreshold": int64(1), "tcpSocket": object{"port": int64(0)}},
		"volumeMounts":    []any{object{"name": "action", "mountPath": settingsDir, "readOnly": true}},
		"securityContext": confined(m.image),
	}
}

func confined(i Image) object {
	return object{
		"allowPrivilegeEscalation": false, "runAsNonRoot": i.Numbered,
		"capabilities": object{"drop": []any{"ALL"}}, "seccompProfile": object{"type": "RuntimeDefault"},
	}
}
