package knative

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// EventsPath is where this server takes deliveries: NAMESPACE/RULE/KEY below it.
const EventsPath = "/cluster/events/"

// Labels have as much of a name as they may; annotations of the same key the whole of it.
const (
	noteTrigger = "dev.gowhisk/trigger"
	noteRule    = "dev.gowhisk/rule"
)

// Annotations of a rule, or of its trigger, that say how the cluster delivers.
const (
	noteRetry         = "dev.gowhisk/delivery-retry"
	noteBackoffPolicy = "dev.gowhisk/delivery-backoff-policy"
	noteBackoffDelay  = "dev.gowhisk/delivery-backoff-delay"
	noteDeadLetters   = "dev.gowhisk/delivery-dead-letter-trigger"
)

// uniqueName is readable and, by a hash of its parts, unique.
func uniqueName(readable string, parts ...string) string {
	sum := sha256.New()
	for _, part := range parts {
		sum.Write(append([]byte(part), 0))
	}
	return slug(readable) + "-" + strings.ToLower(base32.StdEncoding.EncodeToString(sum.Sum(nil))[:10])
}

// labelValue is what a label has of a name.
func labelValue(name string) string {
	mapped := strings.Map(labelRune, name)
	return strings.Trim(mapped[:min(len(mapped), 63)], "-._")
}

// carrierObject is what takes the events of a trigger. A Broker is none's in particular.
func (c *Channels) carrierObject(t entity.Name) *unstructured.Unstructured {
	if c.form == byBroker {
		return c.object(c.form.carrier, c.carrierName(t), nil, object{}, object{})
	}
	return c.object(c.form.carrier, c.carrierName(t), object{
		noteNamespace: t.Namespace, noteTrigger: t.Name,
	}, object{noteTrigger: "/" + t.String()}, object{})
}

// ruleObject is an active rule. Errors: an *entity.Error about its annotations.
func (c *Channels) ruleObject(t *entity.Trigger, r *entity.Rule) (*unstructured.Unstructured, error) {
	delivery, err := c.delivery(t, r)
	if err != nil {
		return nil, err
	}
	spec := c.subscription(t)
	spec["subscriber"], spec["delivery"] = object{"uri": c.subscriber(r.Name)}, delivery
	return c.object(c.form.ruleFor, c.ruleName(t.Name, r.Name), object{
		noteNamespace: r.Name.Namespace, noteTrigger: t.Name.Name, noteRule: r.Name.Name,
	}, object{
		noteTrigger: "/" + t.Name.String(), noteRule: "/" + r.Name.String(), noteAction: "/" + r.Action.String(),
	}, spec), nil
}

// object gets a label that changes with its specification.
func (c *Channels) object(kind, name string, labels, notes, spec object) *unstructured.Unstructured {
	text, err := json.Marshal(spec)
	if err != nil { // texts and numbers always encode
		panic("encode a " + kind + ": " + err.Error())
	}
	sum := sha256.Sum256(text)
	all := object{labelManager: manager, labelOwner: c.opt.Owner, labelTag: hex.EncodeToString(sum[:4])}
	for key, value := range labels {
		if text, ok := value.(string); ok {
			all[key] = labelValue(text)
		}
	}
	return &unstructured.Unstructured{Object: object{
		"apiVersion": c.form.group + "/v1", "kind": kind, "spec": spec,
		"metadata": object{"name": name, "namespace": c.opt.Namespace, "labels": all, "annotations": notes},
	}}
}

// subscriber is where the events for a rule are delivered.
func (c *Channels) subscriber(rule entity.Name) string {
	return strings.TrimSuffix(c.opt.URL, "/") + EventsPath + url.PathEscape(rule.Namespace) + "/" + url.PathEscape(rule.Name) + "/" + c.key(rule)
}

// key is what deliveries for a rule bring: it is in the path, since a Subscription has no headers.
func (c *Channels) key(rule entity.Name) string {
	sum := hmac.New(sha256.New, c.opt.Secret)
	sum.Write([]byte("delivery " + rule.String()))
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// Permits tells whether that is the key of deliveries for a rule.
func (c *Channels) Permits(rule entity.Name, key string) bool {
	return hmac.Equal([]byte(c.key(rule)), []byte(key))
}

// delivery is how often and when the cluster tries again, and what becomes of events that nobody takes.
func (c *Channels) delivery(t *entity.Trigger, r *entity.Rule) (object, error) {
	note := func(key, otherwise string) string {
		return cmp.Or(noteOf(key, r.Annotations, t.Annotations), otherwise)
	}
	retry, err := strconv.ParseInt(note(noteRetry, "10"), 10, 32)
	if err != nil {
		return nil, entity.Errorf(entity.Malformed, "annotation %s of %s is not a number", noteRetry, r.Name)
	}
	d := object{"retry": retry, "backoffPolicy": note(noteBackoffPolicy, "exponential"), "backoffDelay": note(noteBackoffDelay, "PT0.5S")}
	if dead := note(noteDeadLetters, ""); dead != "" {
		// Not any address: the cluster would post to it in the name of the user.
		if !strings.HasPrefix(dead, "/") {
			dead = "/" + r.Name.Namespace + "/" + dead
		}
		name, err := entity.ParseName(dead, r.Name.Namespace)
		if err != nil || name.Namespace != r.Name.Namespace || name.Package != "" || name == t.Name {
			return nil, entity.Errorf(entity.Malformed, "annotation %s of %s names no other trigger of the namespace", noteDeadLetters, r.Name)
		}
		if c.form == byBroker {
			return nil, entity.Errorf(entity.Malformed, "annotation %s of %s is of no use with a Broker", noteDeadLetters, r.Name)
		}
		d["deadLetterSink"] = object{"ref": object{
			"apiVersion": c.form.group + "/v1", "kind": c.form.carrier, "namespace": c.opt.Namespace, "name": c.carrierName(name),
		}}
	}
	return d, nil
}
