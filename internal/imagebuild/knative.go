package imagebuild

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
)

// ServiceSpec says which Knative Service an action becomes.
type ServiceSpec struct {
	// Action is as it was created, its limits in OpenWhisk's units; its code and kind are the image's.
	Action actionproxy.Action
	// MemoryMB is the action's limit, 0 for none.
	MemoryMB int
	// Image is a reference; a tag is resolved to the digest that it has now.
	Image     string
	Namespace string
	// Env are further variables, KEY and value.
	Env [][2]string
	// Scale are annotations of the revision under autoscaling.knative.dev, such as min-scale.
	Scale map[string]string
	// Private keeps the Service inside the cluster.
	Private bool
}

// Where the pod has the file that describes the action.
const settingsDir = "/etc/gowhisk"

// ordinary says that a user of an image is certainly not root: Kubernetes asks for a number.
func ordinary(user string) bool {
	id, _, _ := strings.Cut(user, ":")
	n, err := strconv.Atoi(id)
	return err == nil && n > 0
}

// longestTimeout is what Knative allows a request unless its operator changed it, in seconds.
const longestTimeout = 600

// Service prints the Service of serving.knative.dev/v1 for an action in an image that Action or Shim
// built, and the Secret with its parameters, annotations and limits: they are not in the image, and
// may hold credentials.
func (b *Builder) Service(ctx context.Context, spec ServiceSpec) ([]byte, error) {
	found, err := b.load(ctx, spec.Image, nil)
	if err != nil {
		return nil, err
	}
	if found.digest == "" {
		return nil, refusedBase(spec.Image, "A Service needs an image in a registry.", nil)
	}
	image := found.list[0].config.Config
	labels := image.Labels
	if stage := labels[LabelStage]; stage != StageAction && stage != StageShim {
		return nil, refusedBase(spec.Image, "It holds no action that gowhisk built.", nil)
	}
	action := spec.Action
	action.Kind, action.Main, action.Code, action.Binary = labels[LabelKind], labels[LabelMain], labels[LabelCode], labels[LabelBinary] == "true"
	if methods := labels[LabelMethods]; len(action.Methods) == 0 && methods != "" {
		action.Methods = strings.Split(methods, ",")
	}
	text, err := json.Marshal(action)
	if err != nil {
		return nil, fmt.Errorf("describe the action: %w", err)
	}
	name := objectName(action.Name)
	if action.Package != "" {
		name = objectName(action.Package + "-" + action.Name)
	}
	port, err := strconv.Atoi(labels[LabelPort])
	if err != nil {
		port = 8080
	}
	return documents([]thing{
		object("v1", "Secret", name+"-action", spec.Namespace, thing{"type": "Opaque", "stringData": thing{"action.json": string(text)}}),
		spec.service(name, found.digest, port, ordinary(image.User)),
	})
}

func (spec ServiceSpec) service(name, image string, port int, ordinary bool) thing {
	env := []any{thing{"name": "OW_ACTION_FILE", "value": settingsDir + "/action.json"}}
	for _, e := range spec.Env {
		env = append(env, thing{"name": e[0], "value": e[1]})
	}
	container := thing{
		"image": image, "env": env, "ports": []any{thing{"containerPort": port}},
		"readinessProbe": thing{"httpGet": thing{"path": "/readyz"}},
		"volumeMounts":   []any{thing{"name": "action", "mountPath": settingsDir, "readOnly": true}},
		"securityContext": thing{
			"allowPrivilegeEscalation": false, "runAsNonRoot": ordinary,
			"capabilities": thing{"drop": []any{"ALL"}}, "seccompProfile": thing{"type": "RuntimeDefault"},
		},
	}
	if spec.MemoryMB > 0 {
		memory := thing{"memory": strconv.Itoa(spec.MemoryMB) + "Mi"}
		container["resources"] = thing{"limits": memory, "requests": memory}
	}
	revision := thing{
		"containers": []any{container}, "enableServiceLinks": false,
		"volumes": []any{thing{"name": "action", "secret": thing{"secretName": name + "-action"}}},
	}
	limits := spec.Action.Limits
	if limits.Concurrency != nil {
		revision["containerConcurrency"] = *limits.Concurrency
	} else {
		revision["containerConcurrency"] = 1
	}
	if limits.Timeout != nil {
		seconds := min((*limits.Timeout+999)/1000+5, longestTimeout) // the proxy ends the action, and answers, before
		revision["timeoutSeconds"] = seconds
		revision["responseStartTimeoutSeconds"] = seconds
	}
	template := thing{"spec": revision}
	if len(spec.Scale) > 0 {
		annotations := thing{}
		for key, value := range spec.Scale {
			annotations["autoscaling.knative.dev/"+key] = value
		}
		template["metadata"] = thing{"annotations": annotations}
	}
	o := object("serving.knative.dev/v1", "Service", name, spec.Namespace, thing{"spec": thing{"template": template}})
	metadata, _ := o["metadata"].(thing)
	metadata["annotations"] = thing{"dev.gowhisk/action": spec.Action.FullName(), "dev.gowhisk/version": spec.Action.Version}
	if spec.Private {
		metadata["labels"] = thing{"app.kubernetes.io/managed-by": "gowhisk", "networking.knative.dev/visibility": "cluster-local"}
	}
	return o
}
