package knative

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
)

// Labels and annotations of stem cells.
const (
	labelCell  = "dev.gowhisk/cell" // the Service that it stands in for, or stemName
	stemName   = "stem"
	noteKind   = "dev.gowhisk/kind"
	noteMemory = "dev.gowhisk/memory" // in MB
)

// cellPort is where the proxy in a cell listens.
const cellPort = 8080

// cellSpec is what cells of a kind are made from.
type cellSpec struct {
	of    StemCell
	image Image
	tag   string // changes with everything else
}

// cellTag names what a cell is made from, the secret of its key included.
func (b *Backend) cellTag(s cellSpec) (string, error) {
	what, err := json.Marshal([]any{"cell 3", s.of, s.image, b.opt.APIHost, b.opt.PullSecret})
	if err != nil {
		return "", fmt.Errorf("name the stem cells of %s: %w", s.of.Kind, err)
	}
	return b.digest(string(what))[:8], nil
}

// cellKey is what a cell knows us by, and no other cell.
func (b *Backend) cellKey(one *cell) string { return b.digest("cell " + one.name) }

func (b *Backend) digest(what string) string {
	sum := hmac.New(sha256.New, b.opt.Secret)
	sum.Write([]byte(what))
	return hex.EncodeToString(sum.Sum(nil))
}

func (b *Backend) cellLabels(one *cell) object {
	return object{
		labelManager: manager, labelOwner: b.opt.Owner, labelTag: one.tag, labelCell: stemName,
		labelKind: strings.Trim(strings.Map(labelRune, one.of.Kind), "-._"),
	}
}

func (b *Backend) cellSecret(one *cell) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: object{
		"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "immutable": true,
		"data":     object{"gateway-key": encode([]byte(b.cellKey(one)))},
		"metadata": object{"name": one.name, "namespace": b.opt.Namespace, "labels": b.cellLabels(one)},
	}}
}

// cellPod is as confined as those of Services are. It does not come back by itself when it ends: then
// it has had its action.
func (b *Backend) cellPod(one *cell, image Image) *unstructured.Unstructured {
	env := []any{
		object{"name": "__OW_RUNTIME_PLATFORM", "value": "knative"},
		object{"name": "PORT", "value": strconv.Itoa(cellPort)},
		object{"name": "OW_CONTAINER_CONCURRENCY", "value": "0"}, // we count
		object{"name": "OW_GATEWAY_KEY", "valueFrom": object{"secretKeyRef": object{"name": one.name, "key": "gateway-key"}}},
	}
	if b.opt.APIHost != "" {
		env = append(env, object{"name": "__OW_API_HOST", "value": b.opt.APIHost})
	}
	container := object{
		"name": "action", "image": image.Reference, "env": env,
		"ports":     []any{object{"containerPort": int64(cellPort)}},
		"resources": resources(one.of.Memory),
		// Nothing asks a cell that waits how it is.
		"startupProbe": object{
			"httpGet": object{"path": actionproxy.ReadyPath, "port": int64(cellPort)}, "periodSeconds": int64(1), "failureThreshold": int64(120),
		},
		"securityContext": confined(image),
	}
	spec := object{
		"restartPolicy": "Never", "terminationGracePeriodSeconds": int64(longestRequest), "enableServiceLinks": false, "automountServiceAccountToken": false,
		"containers": []any{container},
	}
	if b.opt.PullSecret != "" {
		spec["imagePullSecrets"] = []any{object{"name": b.opt.PullSecret}}
	}
	return &unstructured.Unstructured{Object: object{
		"apiVersion": "v1", "kind": "Pod",
		"metadata": object{
			"name": one.name, "namespace": b.opt.Namespace, "labels": b.cellLabels(one),
			"annotations": object{noteKind: one.of.Kind, noteMemory: strconv.FormatInt(one.of.Memory, 10)},
		},
		"spec": spec,
	}}
}
