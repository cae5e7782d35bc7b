package knative

import (
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/trigger"
)

// eventing is what triggers and rules are in the cluster.
type eventing struct {
	group            string
	carriers, rules  schema.GroupVersionResource
	carrier, ruleFor string // kinds
}

const (
	messaging = "messaging.knative.dev"
	brokering = "eventing.knative.dev"
)

// The forms: a Channel for each trigger with Subscriptions, one Broker for all with Triggers, or nothing.
const (
	FormChannel = "channel"
	FormBroker  = "broker"
	FormNone    = "none"
)

var forms = map[string]eventing{FormChannel: byChannel, FormBroker: byBroker}

var (
	byChannel = eventing{
		messaging,
		schema.GroupVersionResource{Group: messaging, Version: "v1", Resource: "channels"},
		schema.GroupVersionResource{Group: messaging, Version: "v1", Resource: "subscriptions"},
		"Channel", "Subscription",
	}
	byBroker = eventing{
		brokering,
		schema.GroupVersionResource{Group: brokering, Version: "v1", Resource: "brokers"},
		schema.GroupVersionResource{Group: brokering, Version: "v1", Resource: "triggers"},
		"Broker", "Trigger",
	}
)

// Annotations of a trigger that say which events of others it is fired by where all come through one
// Broker.
const (
	noteEventType   = "dev.gowhisk/event-type"
	noteEventSource = "dev.gowhisk/event-source"
)

// carrierName is that of what takes the events of a trigger.
func (c *Channels) carrierName(t entity.Name) string {
	if c.form == byBroker {
		return uniqueName(c.opt.Owner, c.opt.Owner)
	}
	return uniqueName(t.Name, c.opt.Owner, t.String())
}

// ruleName is that of a rule. What it is subscribed to cannot be changed: so it is in the name.
func (c *Channels) ruleName(t, rule entity.Name) string {
	return uniqueName(rule.Name, c.opt.Owner, t.String(), rule.String())
}

// subscription is the part of a rule's object that says which events it gets.
func (c *Channels) subscription(t *entity.Trigger) object {
	if c.form == byBroker {
		return object{"broker": c.carrierName(t.Name), "filters": []any{object{"any": filters(t)}}}
	}
	return object{"channel": object{"apiVersion": c.form.group + "/v1", "kind": c.form.carrier, "name": c.carrierName(t.Name)}}
}

// filters let through the fires of a trigger, and the events of others that its annotations name.
func filters(t *entity.Trigger) []any {
	all := []any{both(trigger.FiredType, trigger.Source(t.Name))}
	kind, source := noteOf(noteEventType, t.Annotations), noteOf(noteEventSource, t.Annotations)
	if kind != "" || source != "" {
		all = append(all, both(kind, source))
	}
	return all
}

// both is a filter by type and source, of which one may be empty.
func both(kind, source string) object {
	var all []any
	if kind != "" {
		all = append(all, object{"exact": object{"type": kind}})
	}
	if source != "" {
		all = append(all, object{"exact": object{"source": source}})
	}
	return object{"all": all}
}

// noteOf is the annotation of the first that has it, as text.
func noteOf(key string, of ...entity.Parameters) string {
	for _, notes := range of {
		if value := notes.Get(key); value != nil {
			return textOf(value)
		}
	}
	return ""
}
