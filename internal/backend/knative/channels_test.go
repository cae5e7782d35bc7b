package knative_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/gowhisk/gowhisk/internal/backend/knative"
	"github.com/gowhisk/gowhisk/internal/cloudevent"
	"github.com/gowhisk/gowhisk/internal/entity"
)

// rules is a catalog of the trigger "My Trigger" and of rules for it.
type rules struct {
	mu      sync.Mutex
	trigger *entity.Trigger              // guarded by mu; nil if it is gone
	notes   map[string]entity.Parameters // guarded by mu; of rules
	changed func(entity.Name)
}

func (r *rules) Trigger(_ context.Context, name entity.Name) (*entity.Trigger, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.trigger == nil || name != r.trigger.Name {
		return nil, entity.ErrNotFound
	}
	t := *r.trigger
	t.Rules = append([]entity.Link{}, t.Rules...)
	return &t, nil
}

func (r *rules) Rule(_ context.Context, name entity.Name) (*entity.Rule, error) {
	return &entity.Rule{Name: name, Trigger: guests("My Trigger"), Action: guests("a"), Annotations: r.notes[name.Name]}, nil
}

// become sets the rules of the trigger: active ones, and those with a dash before their name. "" is
// that the trigger is gone.
func (r *rules) become(list string) {
	r.mu.Lock()
	r.trigger = nil
	if list != "" {
		r.trigger = &entity.Trigger{Name: guests("My Trigger")}
		for name := range strings.FieldsSeq(list) {
			local, inactive := strings.CutPrefix(name, "-")
			r.trigger.Rules = append(r.trigger.Rules, entity.Link{Rule: guests(local), Action: guests("a"), Active: !inactive})
		}
	}
	r.mu.Unlock()
	r.changed(guests("My Trigger"))
}

func guests(name string) entity.Name { return entity.Name{Namespace: "guest", Name: name} }

func carry(t *testing.T, at string, catalog *rules, log io.Writer) *knative.Channels {
	t.Helper()
	return carryBy(t, knative.FormChannel, at, catalog, log)
}

func carryBy(t *testing.T, form, at string, catalog *rules, log io.Writer) *knative.Channels {
	t.Helper()
	client, err := dynamic.NewForConfig(&rest.Config{Host: at, QPS: 1000, Burst: 1000})
	if err != nil {
		t.Fatal(err)
	}
	entry, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	c := knative.NewChannels(knative.ChannelOptions{
		Client: client, Form: form, Namespace: "actions", Owner: "test", Secret: []byte("s"), Catalog: catalog, Ingress: entry, URL: "http://server:1/",
		Triggers: func(context.Context) ([]entity.Name, error) { return []entity.Name{guests("My Trigger")}, nil },
		Logger:   slog.New(slog.NewTextHandler(log, nil)),
	})
	t.Cleanup(c.Close)
	catalog.changed = c.Changed
	return c
}

// shown are the objects of a resource by what their labels say.
func (c *cluster) shown(resource, label string) map[string]*unstructured.Unstructured {
	found := map[string]*unstructured.Unstructured{}
	for _, o := range c.all(resource) {
		found[o.GetLabels()[label]] = o
	}
	return found
}

func TestTriggersAndActiveRulesAreObjectsOfTheCluster(t *testing.T) {
	c := newCluster(t, nil)
	catalog := &rules{changed: func(entity.Name) {}}
	catalog.become("r1 -r2")
	channels := carry(t, c.url, catalog, io.Discard)
	subscribed := func() string {
		var all []string
		for _, name := range []string{"r1", "r2", "r3"} {
			if c.shown("subscriptions", "dev.gowhisk/rule")[name] != nil {
				all = append(all, name)
			}
		}
		return strings.Join(all, " ")
	}
	eventually(t, "the rule is not subscribed", func() bool { return subscribed() == "r1" && channels.Delivers(guests("My Trigger"), guests("r1")) })
	channel := c.shown("channels", "dev.gowhisk/trigger")["My-Trigger"]
	if channel == nil || !strings.HasPrefix(channel.GetName(), "my-trigger-") || channel.GetAnnotations()["dev.gowhisk/trigger"] != "/guest/My Trigger" || channel.GetLabels()["dev.gowhisk/owner"] != "test" {
		t.Fatalf("the Channel is %v", channel)
	}
	spec := text(c.shown("subscriptions", "dev.gowhisk/rule")["r1"].Object["spec"])
	for _, part := range []string{
		`"channel":{"apiVersion":"messaging.knative.dev/v1","kind":"Channel","name":"` + channel.GetName() + `"}`,
		`"delivery":{"backoffDelay":"PT0.5S","backoffPolicy":"exponential","retry":10}`,
		`"uri":"http://server:1/cluster/events/guest/r1/`,
	} {
		if !strings.Contains(spec, part) {
			t.Errorf("no %s in %s", part, spec)
		}
	}
	if channels.Delivers(guests("My Trigger"), guests("r2")) || channels.Delivers(guests("other"), guests("r1")) || channels.Carries(guests("other")) {
		t.Error("what is not in the cluster is said to be")
	}
	catalog.become("-r1 r2 r3")
	eventually(t, "the rules are not switched", func() bool { return subscribed() == "r2 r3" })

	for _, change := range []func(o *unstructured.Unstructured) error{
		func(o *unstructured.Unstructured) error {
			return unstructured.SetNestedField(o.Object, "http://elsewhere", "spec", "subscriber", "uri")
		},
		func(o *unstructured.Unstructured) error {
			return unstructured.SetNestedField(o.Object, "by hand", "metadata", "annotations", "dev.gowhisk/action")
		},
	} {
		o := c.shown("subscriptions", "dev.gowhisk/rule")["r2"]
		good := text([]any{o.Object["spec"], o.GetAnnotations()})
		if err := change(o); err != nil {
			t.Fatal(err)
		}
		c.mu.Lock()
		c.put("subscriptions", o)
		c.mu.Unlock()
		eventually(t, "what was changed by hand is not repaired", func() bool {
			now := c.shown("subscriptions", "dev.gowhisk/rule")["r2"]
			return text([]any{now.Object["spec"], now.GetAnnotations()}) == good
		})
	}
	c.mu.Lock()
	delete(c.objects, "channels/"+channel.GetName())
	c.tell("channels", "DELETED", channel)
	c.mu.Unlock()
	eventually(t, "the Channel does not come back", func() bool { return len(c.all("channels")) == 1 })

	catalog.become("")
	eventually(t, "something stays", func() bool { return len(c.all("channels")) == 0 && subscribed() == "" })
}

// One server after the other has another setting.
func TestFormOfEventsIsChanged(t *testing.T) {
	c := newCluster(t, nil)
	catalog := &rules{changed: func(entity.Name) {}}
	catalog.become("r1 -r2")
	catalog.trigger.Annotations = entity.Parameters{}.Set("dev.gowhisk/event-type", `"order"`).Set("dev.gowhisk/event-source", `"/shop"`)
	count := func() [4]int {
		return [4]int{len(c.all("channels")), len(c.all("subscriptions")), len(c.all("brokers")), len(c.all("triggers"))}
	}
	for _, row := range []struct {
		form string
		want [4]int
	}{{knative.FormChannel, [4]int{1, 1, 0, 0}}, {knative.FormBroker, [4]int{0, 0, 1, 1}}, {knative.FormNone, [4]int{}}} {
		channels := carryBy(t, row.form, c.url, catalog, io.Discard)
		eventually(t, row.form+" has other objects", func() bool { return count() == row.want })
		if row.form == knative.FormBroker {
			eventually(t, "the Broker carries nothing", func() bool {
				return channels.Carries(guests("My Trigger")) && channels.Delivers(guests("My Trigger"), guests("r1"))
			})
			const want = `"filters":[{"any":[{"all":[{"exact":{"type":"dev.gowhisk.trigger.fired"}},{"exact":{"source":"/namespaces/guest/triggers/My%20Trigger"}}]},{"all":[{"exact":{"type":"order"}},{"exact":{"source":"/shop"}}]}]}]`
			if spec := text(c.all("triggers")[0].Object["spec"]); !strings.Contains(spec, want) || !strings.Contains(spec, `"broker":"`+c.all("brokers")[0].GetName()+`"`) {
				t.Errorf("the Trigger is %s", spec)
			}
		}
		channels.Close()
	}
}

func TestEventsArePostedToTheChannelOfTheirTrigger(t *testing.T) {
	status := make(chan int, 2)
	got := make(chan string, 2)
	c := newCluster(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // of this process
		got <- r.Host + " " + r.Header.Get("Ce-Id") + " " + r.Header.Get("Content-Type") + " " + string(body)
		w.WriteHeader(<-status)
	})
	catalog := &rules{changed: func(entity.Name) {}}
	catalog.become("r1")
	channels := carry(t, c.url, catalog, io.Discard)
	eventually(t, "the trigger has no Channel", func() bool { return channels.Carries(guests("My Trigger")) })
	e := cloudevent.Event{Data: []byte(`{"a":1}`), Attributes: map[string]string{"specversion": "1.0", "id": "7", "source": "/s", "type": "t", "datacontenttype": "application/json"}}
	status <- http.StatusAccepted
	if err := channels.Send(t.Context(), guests("My Trigger"), e); err != nil {
		t.Error(err)
	}
	if text := <-got; !strings.HasPrefix(text, "my-trigger-") || !strings.HasSuffix(text, `-kn-channel.actions.svc.cluster.local 7 application/json {"a":1}`) {
		t.Errorf("posted %s", text)
	}
	status <- http.StatusServiceUnavailable
	if err := channels.Send(t.Context(), guests("My Trigger"), e); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("error is %v", err)
	}
	if err := channels.Send(t.Context(), guests("other"), e); err == nil {
		t.Error("an event was sent to a trigger that is not there")
	}
}

func TestAnnotationsOfRulesSayHowEventsAreDelivered(t *testing.T) {
	c := newCluster(t, nil)
	catalog := &rules{changed: func(entity.Name) {}, notes: map[string]entity.Parameters{
		"r1": entity.Parameters{}.Set("dev.gowhisk/delivery-retry", `3`).Set("dev.gowhisk/delivery-dead-letter-trigger", `"lost"`).Set("dev.gowhisk/delivery-backoff-policy", `"linear"`),
		"r2": entity.Parameters{}.Set("dev.gowhisk/delivery-dead-letter-trigger", `"/other/t"`),
		"r3": entity.Parameters{}.Set("dev.gowhisk/delivery-retry", `"often"`),
	}}
	catalog.become("r1 r2 r3 r4")
	log := &journal{}
	carry(t, c.url, catalog, log)
	eventually(t, "the good rules are not subscribed", func() bool { return len(c.all("subscriptions")) == 2 })
	spec := text(c.shown("subscriptions", "dev.gowhisk/rule")["r1"].Object["spec"])
	for _, part := range []string{`"retry":3`, `"backoffPolicy":"linear"`, `"deadLetterSink":{"ref":{"apiVersion":"messaging.knative.dev/v1","kind":"Channel","name":"lost-`} {
		if !strings.Contains(spec, part) {
			t.Errorf("no %s in %s", part, spec)
		}
	}
	eventually(t, "nobody says what is wrong", func() bool {
		return strings.Contains(log.String(), "guest/r2 names no other trigger of the namespace") && strings.Contains(log.String(), "guest/r3 is not a number")
	})
}

func TestClusterWithoutChannelsIsSaidOnceToHaveNone(t *testing.T) {
	none := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "404 page not found", http.StatusNotFound)
	}))
	t.Cleanup(none.Close)
	log := &journal{}
	catalog := &rules{changed: func(entity.Name) {}}
	catalog.become("r1")
	channels := carry(t, none.URL, catalog, log)
	eventually(t, "nobody says it", func() bool { return strings.Contains(log.String(), "has no channels of Knative Eventing") })
	catalog.become("r1 r2")
	if channels.Carries(guests("My Trigger")) || channels.Delivers(guests("My Trigger"), guests("r1")) || strings.Count(log.String(), "\n") != 1 {
		t.Errorf("the log is\n%s", log)
	}
}

func TestKeyOfADeliveryIsThatOfItsRule(t *testing.T) {
	c := newCluster(t, nil)
	catalog := &rules{changed: func(entity.Name) {}}
	catalog.become("r1")
	channels := carry(t, c.url, catalog, io.Discard)
	eventually(t, "the rule is not subscribed", func() bool { return len(c.all("subscriptions")) == 1 })
	uri, _, err := unstructured.NestedString(c.all("subscriptions")[0].Object, "spec", "subscriber", "uri")
	if err != nil {
		t.Fatal(err)
	}
	key := uri[strings.LastIndex(uri, "/")+1:]
	if !channels.Permits(guests("r1"), key) || channels.Permits(guests("r2"), key) || channels.Permits(guests("r1"), "") {
		t.Errorf("key %q", key)
	}
}

// journal is a log.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (l *journal) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *journal) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
