package knative_test

import (
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"

	"github.com/gowhisk/gowhisk/internal/backend/knative"
)

func named(kind, namespace, name, uid string) *unstructured.Unstructured {
	metadata := map[string]any{"name": name, "namespace": namespace}
	if uid != "" {
		metadata["uid"] = uid
	}
	return &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": kind, "metadata": metadata}}
}

func TestWhatIsWrittenBelongsToTheAnchorAndNothingIsWithoutIt(t *testing.T) {
	ctx := t.Context()
	secrets := schema.GroupVersionResource{Version: "v1", Resource: "secrets"}
	plain := fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(),
		map[schema.GroupVersionResource]string{secrets: "SecretList"}, named("ConfigMap", "actions", "release", "4711"))
	client := knative.Anchored(plain, "actions", "release")
	for _, name := range []string{"one", "two"} {
		made, err := client.Resource(secrets).Namespace("actions").Create(ctx, named("Secret", "actions", name, ""), metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if owners := made.GetOwnerReferences(); len(owners) != 1 || owners[0].Name != "release" || owners[0].UID != "4711" || owners[0].Kind != "ConfigMap" {
			t.Errorf("%s belongs to %+v", name, owners)
		}
	}
	free, err := client.Resource(secrets).Namespace("elsewhere").Create(ctx, named("Secret", "elsewhere", "free", ""), metav1.CreateOptions{})
	if err != nil || len(free.GetOwnerReferences()) > 0 {
		t.Errorf("of another namespace: %+v, %v", free, err)
	}
	gone := knative.Anchored(plain, "actions", "removed")
	if _, err := gone.Resource(secrets).Namespace("actions").Create(ctx, named("Secret", "actions", "late", ""), metav1.CreateOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("without an anchor: %v", err)
	}
}
