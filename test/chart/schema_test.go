package chart

import (
	"strings"
	"testing"
)

func TestValuesThatAreNotKnownOrMakeNoSenseAreRefusedByName(t *testing.T) {
	for _, row := range []struct{ name, values, want string }{
		{"unknown part", "kafak: {}", "'kafak' not allowed"},
		{"unknown key", "whisk: {ingress: {apiHostname: x}}", "'/whisk/ingress': additional properties 'apiHostname' not allowed"},
		{"unknown limit", "whisk: {limits: {actions: {tiem: {}}}}", "'/whisk/limits/actions': additional properties 'tiem' not allowed"},
		{"unknown setting of the server", "settings: {retention: {agee: 1h}}", "'/settings/retention': additional properties 'agee' not allowed"},
		{"kind of ingress", "whisk: {ingress: {type: Nodeport}}", "'/whisk/ingress/type'"},
		{"scheme in a host", "whisk: {ingress: {apiHostName: 'https://x'}}", "'/whisk/ingress/apiHostName'"},
		{"port of a node", "nginx: {httpsNodePort: 443}", "minimum"},
		{"time", "whisk: {limits: {actions: {time: {max: soon}}}}", "'/whisk/limits/actions/time/max'"},
		{"size", "whisk: {limits: {actions: {memory: {max: 1TB}}}}", "'/whisk/limits/actions/memory/max'"},
		{"key of guest", "whisk: {auth: {guest: 'me:you'}}", "'/whisk/auth/guest'"},
		{"container factory", "invoker: {containerFactory: {impl: mesos}}", "'/invoker/containerFactory/impl'"},
		{"kind", "runtimes: {nodejs: node:20}", "nodejs"},
		{"registry with scheme", "knative: {registry: 'http://r'}", "'/knative/registry'"},
		{"network", "networkPolicy: {allow: [database]}", "'/networkPolicy/allow/0'"},
		{"manifest that is not there", "whisk: {runtimes: mine.json}", "--set-file whisk.runtimes=mine.json"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := render(t, parse(t, row.values))
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("got %v, want %q in it", err, row.want)
			}
		})
	}
}

func TestNotesTellWhatToTypeAndWhatHadNoEffect(t *testing.T) {
	sets := valueSets(t)
	for name, words := range map[string][]string{
		"mycluster": {"wsk property set --apihost https://172.17.0.2:31001", "wsk property set --auth $(kubectl get secret --namespace openwhisk owdev-gowhisk-auth", "gowhisk certificate > gowhisk.pem", "kind load image-archive"},
		"ingress":   {"wsk property set --apihost https://whisk.example\n"},
		"plain":     {"wsk property set --apihost http://10.0.0.7:31080"},
		"forgetful": {"kubectl port-forward", "ends with the pod"},
		"openwhisk": {
			"kafka: there is none", "providers: feeds are part of the server", "controller.replicaCount: one server", "controller.jvmHeapMB:", "invoker.containerFactory.impl: actions are Services of Knative",
			"whisk.containerPool:", "k8s.dns:", "affinity.edgeNodeLabel:", "nginx.replicaCount:", "metrics.userMetricsEnabled:", "db: there is no CouchDB",
		},
	} {
		files, err := render(t, sets[name])
		if err != nil {
			t.Fatal(err)
		}
		notes := files["gowhisk/templates/NOTES.txt"]
		for _, word := range words {
			if !strings.Contains(notes, word) {
				t.Errorf("%s: %q is missing in\n%s", name, word, notes)
			}
		}
		if strings.Contains(notes, "no meaning here") != (name == "openwhisk") {
			t.Errorf("%s: what had no effect:\n%s", name, notes)
		}
	}
}
