package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// telling is an action that tells a counter, by the type or number of what it is given.
const telling = `async function main(a) {
  const id = a.n || a.__ce_type + ' ' + a.__ce_id
  console.log('told', id)
  await (await fetch(a.url + '?id=' + encodeURIComponent(id))).text()
  return {id}
}`

// eventful is a server whose events enter the cluster at that URL, the dispatcher's if it is empty,
// with the trigger t, the rule r and the action told.
func eventful(t *testing.T, entry string, flags ...string) (*onCluster, *counter) {
	t.Helper()
	registry := os.Getenv("REGISTRY")
	if entry == "" {
		entry = entryOf(t, "imc-dispatcher")
	}
	o := serveOn(t, append([]string{
		"--knative-registry", registry + "/e2e-actions", "--knative-images", "nodejs:18=" + registry + "/node:0",
		"--knative-events-ingress", entry, "--fires-per-minute", "10000", "--concurrent-invocations", "1000",
	}, flags...)...)
	n := newCounter(t, o.cluster)
	o.do("action", "create", "told", o.file("told.js", telling), "--kind", "nodejs:18", "--concurrency", "100", "-a", "autoscaling.knative.dev/min-scale", "1", "-p", "url", n.url)
	o.do("trigger", "create", "t", "-p", "bound", "1")
	o.do("rule", "create", "r", "t", "told")
	o.invoke("told", map[string]any{"n": "warm"})
	return o, n
}

// entryOf is where a Service of Eventing takes events.
func entryOf(t *testing.T, service string) string {
	t.Helper()
	if os.Getenv("KUBECONFIG") == "" {
		t.Skip("KUBECONFIG names no cluster: make e2e starts one")
	}
	ip, err := (&cluster{}).kubectl(t.Context(), "", "get", "service", service, "--namespace", "knative-eventing", "-o", "jsonpath={.spec.clusterIP}")
	if err != nil {
		t.Skipf("the cluster has no %s: %v", service, err)
	}
	return "http://" + ip
}

// one is the field of the object of a resource that has that label, once it is ready.
func (o *onCluster) one(resource, label, field string) (value string) {
	o.t.Helper()
	o.untilMinutes("no "+resource+" of "+label+" is ready", 3, func() bool {
		out := o.mustKubectl(o.t, "", "get", resource, "-l", label, "-o", `jsonpath={range .items[*]}{.status.conditions[?(@.type=="Ready")].status} {`+field+`}{end}`)
		ready, rest, _ := strings.Cut(out, " ")
		value = rest
		return ready == "True"
	})
	return value
}

const (
	channels      = "channels.messaging.knative.dev"
	subscriptions = "subscriptions.messaging.knative.dev"
)

// subscribed waits until events of the trigger reach the rule through the cluster, and returns the host
// of the Channel.
func (o *onCluster) subscribed(trigger, rule string) string {
	o.t.Helper()
	o.one(subscriptions, "dev.gowhisk/rule="+rule, ".metadata.name")
	return strings.TrimPrefix(o.one(channels, "dev.gowhisk/trigger="+trigger, ".status.address.url"), "http://")
}

// fire fires the trigger t and returns the id of the activation.
func (o *onCluster) fire(payload any) string {
	o.t.Helper()
	var a activation
	if status, err := o.call(o.t.Context(), http.MethodPost, "/triggers/t", payload, &a); err != nil || status != http.StatusAccepted {
		o.t.Fatalf("fire: %d %s %v", status, a.Error, err)
	}
	return a.ActivationID
}

// deliveries are those that the server took, and those that it missed.
func (o *onCluster) deliveries() (taken, missed int) {
	o.t.Helper()
	res, err := http.Get(o.server.URL + "/metrics")
	if err != nil {
		o.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	for name, into := range map[string]*int{"taken": &taken, "missed": &missed} {
		metric := map[string]string{"taken": "gowhisk_event_deliveries", "missed": "gowhisk_event_deliveries_missed"}[name]
		found := regexp.MustCompile(`(?m)^` + metric + ` (\d+)`).FindSubmatch(text)
		if found == nil {
			o.t.Fatalf("no %s in\n%s", metric, text)
		}
		if _, err := fmt.Sscan(string(found[1]), into); err != nil {
			o.t.Fatal(err)
		}
	}
	return taken, missed
}

// post sends a message to a host through an entry of the cluster.
func post(ctx context.Context, entry, host string, header map[string]string, body string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, entry, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Host = host
	for name, value := range header {
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

func TestTriggersAndRulesLiveAsChannelsAndSubscriptions(t *testing.T) {
	o, n := eventful(t, "")
	o.subscribed("t", "r")
	id := o.fire(map[string]any{"n": "first"})
	o.until("the action does not run", func() bool { return n.of("first") == 1 })
	if taken, missed := o.deliveries(); taken != 1 || missed != 0 {
		t.Errorf("%d deliveries were taken, %d missed", taken, missed)
	}
	var outcome struct{ ActivationID string }
	if err := json.Unmarshal([]byte(o.record(id).Logs[0]), &outcome); err != nil {
		t.Fatal(err)
	}
	if a := o.record(outcome.ActivationID); !a.Response.Success || len(a.Logs) != 1 || !strings.HasSuffix(a.Logs[0], "stdout: told first") {
		t.Errorf("the activation of the action is %+v", a)
	}
	shown := o.mustKubectl(t, "", "get", channels+","+subscriptions, "-l", "app.kubernetes.io/managed-by=gowhisk", "-L", "dev.gowhisk/namespace,dev.gowhisk/trigger,dev.gowhisk/rule")
	t.Log("\n" + shown)
	if !regexp.MustCompile(`(?m)^channel\S*/t-\S+ .* guest +t *$`).MatchString(shown) || !regexp.MustCompile(`(?m)^subscription\S*/r-\S+ .* guest +t +r *$`).MatchString(shown) {
		t.Errorf("kubectl shows\n%s", shown)
	}

	o.do("rule", "disable", "r")
	o.until("the Subscription of a disabled rule stays", func() bool { return o.mustKubectl(t, "", "get", subscriptions, "-o", "name") == "" })
	o.do("rule", "enable", "r")
	o.subscribed("t", "r")

	name := o.one(channels, "dev.gowhisk/trigger=t", ".metadata.uid")
	o.mustKubectl(t, "", "delete", channels, "--all")
	o.mustKubectl(t, "", "delete", subscriptions, "--all")
	o.until("what was deleted by hand does not come back", func() bool {
		now := o.mustKubectl(t, "", "get", channels, "-o", "jsonpath={.items[*].metadata.uid}")
		return now != "" && now != name
	})
	o.subscribed("t", "r")
	before, _ := o.deliveries()
	o.fire(map[string]any{"n": "again"})
	o.until("no event comes through the new Channel", func() bool { taken, _ := o.deliveries(); return taken > before })

	o.do("rule", "delete", "r")
	o.do("trigger", "delete", "t")
	o.until("something stays", func() bool {
		return o.mustKubectl(t, "", "get", channels+","+subscriptions, "-o", "name") == ""
	})
	if n.of("first") != 1 || n.of("again") != 1 {
		t.Errorf("ran %d times and %d times", n.of("first"), n.of("again"))
	}
}

func TestAnnotationsSayHowTheClusterDelivers(t *testing.T) {
	o, _ := eventful(t, "")
	o.do("trigger", "create", "lost")
	o.do("trigger", "update", "t", "-a", "dev.gowhisk/delivery-backoff-delay", "PT3S", "-a", "dev.gowhisk/delivery-retry", "7")
	o.do("rule", "create", "special", "t", "told")
	var text string
	o.until("the delivery is not that of the annotations", func() bool {
		text = o.mustKubectl(t, "", "get", subscriptions, "-l", "dev.gowhisk/rule=special", "-o", "jsonpath={.items[*].spec.delivery}")
		return strings.Contains(text, `"retry":7`) && strings.Contains(text, `"backoffDelay":"PT3S"`) && strings.Contains(text, `"backoffPolicy":"exponential"`)
	})
	var rule activation // whose error counts; wsk has no annotations of rules
	status, err := o.call(t.Context(), http.MethodPut, "/rules/special?overwrite=true", map[string]any{
		"trigger": "/_/t", "action": "/_/told",
		"annotations": []any{map[string]string{"key": "dev.gowhisk/delivery-dead-letter-trigger", "value": "lost"}},
	}, &rule)
	if err != nil || status != http.StatusOK {
		t.Fatalf("%d %v %s", status, err, rule.Error)
	}
	dead := o.one(channels, "dev.gowhisk/trigger=lost", ".metadata.name")
	o.until("the dead letters do not go to the Channel of the other trigger", func() bool {
		return o.one(subscriptions, "dev.gowhisk/rule=special", ".spec.delivery.deadLetterSink.ref.name") == dead
	})
}

func TestEventsOfOthersFireTriggersOnce(t *testing.T) {
	o, n := eventful(t, "")
	o.do("rule", "create", "second", "t", "told")
	entry, host := entryOf(t, "imc-dispatcher"), o.subscribed("t", "r")
	o.subscribed("t", "second")
	binary := map[string]string{"Ce-Specversion": "1.0", "Ce-Id": "1", "Ce-Source": "/curl", "Ce-Type": "binary", "Content-Type": "application/json"}
	structured := map[string]string{"Content-Type": "application/cloudevents+json"}
	for range 3 {
		for _, message := range []struct {
			header map[string]string
			body   string
		}{
			{binary, `{"x":1}`},
			{structured, `{"specversion":"1.0","id":"1","source":"/other","type":"structured","data":{"x":1}}`},
		} {
			if status, err := post(t.Context(), entry, host, message.header, message.body); err != nil || status != http.StatusAccepted {
				t.Fatalf("%d %v", status, err)
			}
		}
	}
	subscriber := o.one(subscriptions, "dev.gowhisk/rule=second", ".spec.subscriber.uri")
	for status, message := range map[int]string{
		http.StatusBadRequest:            `{"specversion":"1.0","id":"2","source":"/other","type":"structured","data":{"__ow_method":"x"}}`,
		http.StatusRequestEntityTooLarge: `{"specversion":"1.0","id":"3","source":"/other","type":"structured","data":"` + strings.Repeat("x", 1<<20) + `"}`,
	} {
		if got, err := post(t.Context(), subscriber, "", structured, message); err != nil || got != status {
			t.Errorf("what is to be refused with %d: %d %v", status, got, err)
		}
	}
	o.until("not all was delivered", func() bool { taken, _ := o.deliveries(); return taken == 12 })
	o.until("not both rules ran", func() bool { return n.of("binary 1") == 2 && n.of("structured 1") == 2 })
	for _, kind := range []string{"t", "told"} {
		var list []activation
		if _, err := o.call(t.Context(), http.MethodGet, "/activations?limit=0&name="+kind, nil, &list); err != nil {
			t.Fatal(err)
		}
		if want := map[string]int{"t": 2, "told": 5}[kind]; len(list) != want {
			t.Errorf("%d activations of %s, want %d", len(list), kind, want)
		}
	}
}

func TestTriggersGoThroughABroker(t *testing.T) {
	const brokers, triggers = "brokers.eventing.knative.dev", "triggers.eventing.knative.dev"
	entry := entryOf(t, "broker-ingress")
	o, n := eventful(t, entry, "--knative-events", "broker")
	o.do("trigger", "update", "t", "-a", "dev.gowhisk/event-type", "order")
	o.do("trigger", "create", "other")
	o.do("rule", "create", "of-other", "other", "told")
	for _, rule := range []string{"r", "of-other"} {
		o.one(triggers, "dev.gowhisk/rule="+rule, ".metadata.name")
	}
	address := o.one(brokers, "app.kubernetes.io/managed-by=gowhisk", ".status.address.url")
	o.fire(map[string]any{"n": "fired"})
	o.until("the fire does not come back", func() bool { taken, missed := o.deliveries(); return taken == 1 && missed == 0 && n.of("fired") == 1 })
	path := address[strings.LastIndex(address, ".local/")+len(".local"):]
	for range 2 {
		header := map[string]string{"Ce-Specversion": "1.0", "Ce-Id": "1", "Ce-Source": "/shop", "Ce-Type": "order", "Content-Type": "application/json"}
		if status, err := post(t.Context(), entry+path, strings.Split(address, "/")[2], header, `{"x":1}`); err != nil || status != http.StatusAccepted {
			t.Fatalf("%d %v", status, err)
		}
	}
	o.until("the event of others does not come", func() bool { taken, _ := o.deliveries(); return taken == 3 && n.of("order 1") > 0 })
	o.do("rule", "delete", "r")
	o.do("rule", "disable", "of-other")
	o.until("Triggers stay", func() bool { return o.mustKubectl(t, "", "get", triggers, "-o", "name") == "" })
	if n.of("fired") != 1 || n.of("order 1") != 1 {
		t.Errorf("ran %d times and %d times", n.of("fired"), n.of("order 1"))
	}
}

func TestSourcesOfTheClusterFireTriggersAndRunActions(t *testing.T) {
	o, n := eventful(t, "")
	o.subscribed("t", "r")
	o.do("trigger", "create", "soon", "--feed", "/whisk.system/alarms/once", "-p", "date", time.Now().Add(2*time.Second).Format(time.RFC3339), "-p", "trigger_payload", `{"n":"alarm"}`)
	o.do("rule", "create", "by-alarm", "soon", "told")
	o.mustKubectl(t, fmt.Sprintf(sources, o.namespace, o.one(channels, "dev.gowhisk/trigger=t", ".metadata.name"), o.services()["/guest/told"]), "apply", "-f", "-")
	seen := func(prefix string) (many int) {
		n.mu.Lock()
		defer n.mu.Unlock()
		for id, times := range n.runs {
			if strings.HasPrefix(id, prefix) {
				many++
			}
			if times > 1 && id != "straight" {
				t.Fatalf("%s ran %d times", id, times)
			}
		}
		return many
	}
	o.until("the alarm does not run the action", func() bool { return n.of("alarm") == 1 })
	o.untilMinutes("the PingSource does not run the action through the trigger", 3, func() bool { return seen("dev.knative.sources.ping ") >= 2 })
	o.untilMinutes("the PingSource does not run the action by itself", 3, func() bool { return n.of("straight") > 0 })
	made := 0 // what there was before the source watches is no event
	o.untilMinutes("the ApiServerSource does not run the action", 3, func() bool {
		made++
		o.mustKubectl(t, "", "create", "configmap", fmt.Sprint("new-", made))
		return seen("dev.knative.apiserver.resource.add ") >= 1
	})
}

// untilMinutes is until for what begins with the start of a pod of the cluster's own.
func (o *onCluster) untilMinutes(what string, minutes int, ok func() bool) {
	o.t.Helper()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	late := time.After(time.Duration(minutes) * time.Minute)
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			o.t.Fatal(what)
		}
	}
}

const sources = `
apiVersion: v1
kind: ServiceAccount
metadata: {name: watcher}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: watcher}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [get, list, watch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: watcher}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: watcher}
subjects: [{kind: ServiceAccount, name: watcher, namespace: %[1]s}]
---
apiVersion: sources.knative.dev/v1
kind: ApiServerSource
metadata: {name: configmaps}
spec:
  serviceAccountName: watcher
  mode: Resource
  resources: [{apiVersion: v1, kind: ConfigMap}]
  sink: {ref: {apiVersion: messaging.knative.dev/v1, kind: Channel, name: %[2]s}}
---
apiVersion: sources.knative.dev/v1
kind: PingSource
metadata: {name: through-the-trigger}
spec:
  schedule: "*/2 * * * * *"
  contentType: application/json
  data: '{"tick": true}'
  sink: {ref: {apiVersion: messaging.knative.dev/v1, kind: Channel, name: %[2]s}}
---
apiVersion: sources.knative.dev/v1
kind: PingSource
metadata: {name: straight-to-the-action}
spec:
  schedule: "*/2 * * * * *"
  contentType: application/json
  data: '{"n": "straight"}'
  sink: {ref: {apiVersion: serving.knative.dev/v1, kind: Service, name: %[3]s}}
`
