package chart

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

// forms are the kinds that the chart may make, in the API versions that stay.
var forms = map[string]func() any{
	"v1 ConfigMap":                             func() any { return new(corev1.ConfigMap) },
	"v1 Secret":                                func() any { return new(corev1.Secret) },
	"v1 Service":                               func() any { return new(corev1.Service) },
	"v1 ServiceAccount":                        func() any { return new(corev1.ServiceAccount) },
	"v1 Pod":                                   func() any { return new(corev1.Pod) },
	"apps/v1 StatefulSet":                      func() any { return new(appsv1.StatefulSet) },
	"policy/v1 PodDisruptionBudget":            func() any { return new(policyv1.PodDisruptionBudget) },
	"networking.k8s.io/v1 Ingress":             func() any { return new(networkingv1.Ingress) },
	"networking.k8s.io/v1 NetworkPolicy":       func() any { return new(networkingv1.NetworkPolicy) },
	"rbac.authorization.k8s.io/v1 Role":        func() any { return new(rbacv1.Role) },
	"rbac.authorization.k8s.io/v1 RoleBinding": func() any { return new(rbacv1.RoleBinding) },
	"gateway.networking.k8s.io/v1 HTTPRoute":   func() any { return new(route) },
}

// route is what a HTTPRoute has here; its types are in no module of Kubernetes.
type route struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		ParentRefs []struct{ Name, Namespace string } `json:"parentRefs"`
		Hostnames  []string                           `json:"hostnames"`
		Rules      []struct {
			Matches []struct {
				Path struct{ Type, Value string } `json:"path"`
			} `json:"matches"`
			BackendRefs []struct {
				Name string `json:"name"`
				Port int    `json:"port"`
			} `json:"backendRefs"`
		} `json:"rules"`
	} `json:"spec"`
}

// objects are all that a set of values makes, each read strictly: what its kind does not know is an
// error.
func objects(t *testing.T, values map[string]any) map[string][]any {
	t.Helper()
	files, err := render(t, values)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]any{}
	for name, text := range files {
		if strings.HasSuffix(name, "NOTES.txt") {
			continue
		}
		for _, one := range strings.Split(text, "\n---") {
			var head metav1.TypeMeta
			if err := yaml.Unmarshal([]byte(one), &head); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if head.Kind == "" {
				continue
			}
			form := forms[head.APIVersion+" "+head.Kind]
			if form == nil {
				t.Fatalf("%s: %s %s is none of the kinds of this chart", name, head.APIVersion, head.Kind)
			}
			o := form()
			if err := yaml.UnmarshalStrict([]byte(one), o); err != nil {
				t.Fatalf("%s: %v\n%s", name, err, one)
			}
			found[head.Kind] = append(found[head.Kind], o)
		}
	}
	return found
}

func counts(found map[string][]any) string {
	var all []string
	for _, kind := range slices.Sorted(maps.Keys(found)) {
		all = append(all, fmt.Sprintf("%d %s", len(found[kind]), kind))
	}
	return strings.Join(all, ", ")
}

func TestEverySetOfValuesMakesItsObjectsAndNoOthers(t *testing.T) {
	const always = "1 ConfigMap, "
	for name, want := range map[string]string{
		"defaults":  always + "1 NetworkPolicy, 1 Pod, 1 PodDisruptionBudget, 1 Role, 1 RoleBinding, 1 Secret, 2 Service, 1 ServiceAccount, 1 StatefulSet",
		"mycluster": always + "1 NetworkPolicy, 1 Pod, 1 PodDisruptionBudget, 1 Role, 1 RoleBinding, 1 Secret, 2 Service, 1 ServiceAccount, 1 StatefulSet",
		"ingress":   always + "1 HTTPRoute, 1 Ingress, 1 NetworkPolicy, 1 Pod, 1 PodDisruptionBudget, 1 Role, 1 RoleBinding, 2 Secret, 1 Service, 1 ServiceAccount, 1 StatefulSet",
		"plain":     always + "1 Pod, 1 Role, 1 RoleBinding, 1 Secret, 1 Service, 1 ServiceAccount, 1 StatefulSet",
		"forgetful": always + "1 NetworkPolicy, 1 Pod, 1 PodDisruptionBudget, 1 Role, 1 RoleBinding, 1 Secret, 1 Service, 1 ServiceAccount, 1 StatefulSet",
		"elsewhere": "2 ConfigMap, 1 NetworkPolicy, 1 Pod, 1 PodDisruptionBudget, 1 Role, 1 RoleBinding, 1 Secret, 2 Service, 1 ServiceAccount, 1 StatefulSet",
		"openwhisk": always + "1 Pod, 1 PodDisruptionBudget, 1 Role, 1 RoleBinding, 2 Secret, 2 Service, 1 ServiceAccount, 1 StatefulSet",
	} {
		if got := counts(objects(t, valueSets(t)[name])); got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
}

func TestServicesAndBudgetsSelectThePodAndItsPorts(t *testing.T) {
	for name, values := range valueSets(t) {
		found := objects(t, values)
		set := found["StatefulSet"][0].(*appsv1.StatefulSet)
		pod := labels.Set(set.Spec.Template.Labels)
		check := func(what string, selector map[string]string) {
			if len(selector) == 0 || !labels.SelectorFromSet(selector).Matches(pod) {
				t.Errorf("%s: %s selects %v, the pod has %v", name, what, selector, pod)
			}
		}
		check("StatefulSet", set.Spec.Selector.MatchLabels)
		ports := map[string]bool{}
		for _, p := range set.Spec.Template.Spec.Containers[0].Ports {
			ports[p.Name] = true
		}
		for _, o := range found["Service"] {
			service := o.(*corev1.Service)
			check("Service "+service.Name, service.Spec.Selector)
			for _, p := range service.Spec.Ports {
				if !ports[p.TargetPort.String()] {
					t.Errorf("%s: Service %s names the port %s, which the pod has not", name, service.Name, p.TargetPort.String())
				}
				if service.Spec.Type != corev1.ServiceTypeClusterIP && p.Name == "http" && name != "plain" {
					t.Errorf("%s: Service %s shows the port without TLS outside", name, service.Name)
				}
			}
		}
		for _, o := range found["PodDisruptionBudget"] {
			check("PodDisruptionBudget", o.(*policyv1.PodDisruptionBudget).Spec.Selector.MatchLabels)
		}
		if smoke := found["Pod"][0].(*corev1.Pod); labels.SelectorFromSet(set.Spec.Selector.MatchLabels).Matches(labels.Set(smoke.Labels)) {
			t.Errorf("%s: the pod of helm test is taken for the server", name)
		}
	}
}

func TestPodsAreRestrictedAndProbed(t *testing.T) {
	for name, values := range valueSets(t) {
		found := objects(t, values)
		server := found["StatefulSet"][0].(*appsv1.StatefulSet).Spec.Template.Spec
		for what, pod := range map[string]corev1.PodSpec{"server": server, "smoke": found["Pod"][0].(*corev1.Pod).Spec} {
			s, c := pod.SecurityContext, pod.Containers[0].SecurityContext
			if s == nil || c == nil || !*s.RunAsNonRoot || *s.RunAsUser == 0 || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault ||
				*c.AllowPrivilegeEscalation || !*c.ReadOnlyRootFilesystem || !slices.Equal(c.Capabilities.Drop, []corev1.Capability{"ALL"}) || len(c.Capabilities.Add) > 0 {
				t.Errorf("%s: the %s is not restricted: %+v %+v", name, what, s, c)
			}
			for _, v := range pod.Volumes {
				if v.HostPath != nil {
					t.Errorf("%s: the %s mounts a folder of the node", name, what)
				}
			}
			if limits := pod.Containers[0].Resources.Limits; limits.Memory().IsZero() {
				t.Errorf("%s: the %s has no bound of memory", name, what)
			}
		}
		c := server.Containers[0]
		for what, probe := range map[string]*corev1.Probe{"startup": c.StartupProbe, "liveness": c.LivenessProbe, "readiness": c.ReadinessProbe} {
			if probe == nil || probe.HTTPGet == nil || probe.HTTPGet.Path != "/ping" || probe.HTTPGet.Port.String() != "http" {
				t.Errorf("%s: %s probe: %+v", name, what, probe)
			}
		}
	}
}

func TestTheServerMayDoWhatItDoesInOneNamespaceOnly(t *testing.T) {
	for name, values := range valueSets(t) {
		role := objects(t, values)["Role"][0].(*rbacv1.Role)
		for _, rule := range role.Rules {
			for _, word := range slices.Concat(rule.Verbs, rule.Resources, rule.APIGroups) {
				if strings.Contains(word, "*") || word == "escalate" || word == "bind" || word == "impersonate" || strings.HasPrefix(word, "roles") {
					t.Errorf("%s: the role allows %v", name, rule)
				}
			}
		}
		if want := map[bool]string{true: "actions", false: "openwhisk"}[name == "elsewhere"]; role.Namespace != want {
			t.Errorf("%s: the role is for %s", name, role.Namespace)
		}
	}
}
