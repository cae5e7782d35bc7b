package chart

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"
)

// settings is the file that the server reads.
func settings(t *testing.T, values map[string]any) map[string]any {
	t.Helper()
	for _, o := range objects(t, values)["ConfigMap"] {
		if text := o.(*corev1.ConfigMap).Data["gowhisk.yaml"]; text != "" {
			return parse(t, text)
		}
	}
	t.Fatal("there are no settings")
	return nil
}

// at follows a path of keys.
func at(t *testing.T, in map[string]any, path string) string {
	t.Helper()
	var now any = in
	for _, key := range strings.Split(path, "/") {
		folder, ok := now.(map[string]any)
		if !ok || folder[key] == nil {
			return "-"
		}
		now = folder[key]
	}
	text, err := yaml.Marshal(now)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

func TestKeysOfOpenWhiskMeanTheSame(t *testing.T) {
	for set, rows := range map[string]map[string]string{
		"mycluster": {
			"publicURL": "https://172.17.0.2:31001", "apiHost": "http://owdev-gowhisk.openwhisk.svc.cluster.local:3233",
			"tls/selfSigned": "true", "backend": "knative", "knative/namespace": "openwhisk",
		},
		"openwhisk": {
			"limits/invocationsPerMinute": "600", "limits/concurrentInvocations": "300", "limits/firesPerMinute": "500", "limits/sequenceLength": "20",
			"limits/actions/time/min": "200ms", "limits/actions/time/max": "2m", "limits/actions/time/default": "30s",
			"limits/actions/memory/min": "64MB", "limits/actions/memory/max": "2GB", "limits/actions/memory/default": "512MB",
			"limits/actions/logs/max": "5MB", "limits/payload": "524288B", "limits/actions/concurrency/max": "1",
			"logLevel": "debug", "runtimes": "/etc/gowhisk/runtimes.json", "knative/images/nodejs:20": "registry.example/openwhisk/action-nodejs-v20:nightly",
			"knative/pullSecret": "owdev-gowhisk-registry",
		},
		"ingress":   {"publicURL": "https://whisk.example", "tls": "-"},
		"plain":     {"publicURL": "http://10.0.0.7:31080", "tls": "-"},
		"forgetful": {"publicURL": "-", "knative/images/nodejs:20": "dev.local/gowhisk-nodejs:20"},
		"elsewhere": {
			"apiHost": "https://whisk.example", "knative/namespace": "actions", "knative/images/nodejs:20": "-", "tls/cert": "/etc/gowhisk-tls/tls.crt",
			"retention/age": "24h", "limits/firesPerMinute": "1000", "limits/invocationsPerMinute": "60", "knative/pullSecret": "registry-login",
		},
	} {
		got := settings(t, valueSets(t)[set])
		for path, want := range rows {
			if is := at(t, got, path); is != want {
				t.Errorf("%s: %s is %s, want %s", set, path, is, want)
			}
		}
	}
}

func TestStorageSchedulingAndCertificateFollowTheValues(t *testing.T) {
	sets := valueSets(t)
	server := func(name string) *appsv1.StatefulSet {
		return objects(t, sets[name])["StatefulSet"][0].(*appsv1.StatefulSet)
	}
	if claims := server("forgetful").Spec.VolumeClaimTemplates; len(claims) > 0 {
		t.Errorf("without persistence there is %v", claims)
	}
	claim := server("openwhisk").Spec.VolumeClaimTemplates[0].Spec
	if *claim.StorageClassName != "openwhisk-nfs" || claim.Resources.Requests.Storage().String() != "20Gi" {
		t.Errorf("the claim is %+v", claim)
	}
	if claim := server("defaults").Spec.VolumeClaimTemplates[0].Spec; claim.StorageClassName != nil {
		t.Errorf("the default class is named: %+v", claim)
	}
	pod := server("openwhisk").Spec.Template.Spec
	if prefer := pod.Affinity.NodeAffinity.PreferredDuringSchedulingIgnoredDuringExecution; prefer[0].Preference.MatchExpressions[0].Values[0] != "muscle" || prefer[1].Preference.MatchExpressions[0].Values[0] != "heart" {
		t.Errorf("affinity: %+v", prefer)
	}
	if pod.Tolerations[0].Value != "heart" || pod.ImagePullSecrets[0].Name != "owdev-gowhisk-registry" {
		t.Errorf("the pod: %+v %+v", pod.Tolerations, pod.ImagePullSecrets)
	}
	if pod := server("plain").Spec.Template.Spec; pod.Affinity != nil || pod.Tolerations != nil {
		t.Errorf("without affinity: %+v %+v", pod.Affinity, pod.Tolerations)
	}
	names := ""
	for _, e := range server("mycluster").Spec.Template.Spec.Containers[0].Env {
		if e.Name == "GOWHISK_TLS_NAMES" {
			names = e.Value
		}
	}
	for _, want := range []string{"172.17.0.2", "$(NODE_ADDRESS)", "owdev-gowhisk.openwhisk.svc"} {
		if !strings.Contains(names, want) {
			t.Errorf("the certificate is for %s, not for %s", names, want)
		}
	}
}

func TestPodsOfActionsReachNeitherOneAnotherNorTheControlPlane(t *testing.T) {
	sets := valueSets(t)
	p := objects(t, sets["defaults"])["NetworkPolicy"][0].(*networkingv1.NetworkPolicy).Spec
	if p.PodSelector.MatchLabels["dev.gowhisk/owner"] != "owdev" || len(p.PolicyTypes) != 2 || len(p.Egress) != 3 {
		t.Fatalf("the policy: %+v", p)
	}
	for _, block := range p.Egress[2].To {
		if block.IPBlock == nil || len(block.IPBlock.Except) == 0 {
			t.Errorf("private networks are open: %+v", block)
		}
	}
	for _, peer := range p.Ingress[0].From {
		if peer.NamespaceSelector == nil && peer.IPBlock == nil {
			t.Errorf("pods of the namespace may call: %+v", peer)
		}
	}
	closed := objects(t, sets["elsewhere"])["NetworkPolicy"][0].(*networkingv1.NetworkPolicy)
	if to := closed.Spec.Egress[2].To; len(closed.Spec.Egress) != 3 || to[0].IPBlock.CIDR != "10.1.2.3/32" || closed.Namespace != "actions" {
		t.Errorf("without the internet: %+v", closed.Spec.Egress)
	}
}
