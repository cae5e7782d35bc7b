package feed_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/feed"
)

// keys are those of guest and alice; only guest has a trigger, t.
type keys struct{ broken error }

func (k keys) Identify(_ context.Context, authorization string) (*entity.Identity, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(authorization, "Basic "))
	if err != nil || k.broken != nil {
		return nil, errors.Join(err, k.broken)
	}
	name, ok := strings.CutSuffix(string(key), ":key")
	if !ok {
		return nil, entity.ErrAuthInvalid
	}
	return &entity.Identity{Namespace: entity.Namespace{Name: name}}, nil
}

func (k keys) Trigger(_ context.Context, name entity.Name) (*entity.Trigger, error) {
	if name != (entity.Name{Namespace: "guest", Name: "t"}) {
		return nil, entity.ErrNotFound
	}
	return &entity.Trigger{Name: name}, nil
}

// echo answers with what it was called with.
type echo struct{ err error }

func (e echo) Feed(_ context.Context, c *feed.Call) (any, error) {
	return map[string]any{"event": c.Event, "trigger": c.Trigger.String(), "params": c.Params}, e.err
}

func act(args string, k keys, e echo) string {
	door := feed.Door{Auth: k, Triggers: k}
	out, err := door.Action(e, feed.Params{"fixed": json.RawMessage(`1`)})(context.Background(), json.RawMessage(args))
	if err != nil {
		return "platform: " + err.Error()
	}
	return string(out)
}

func refused(text string) string { return `{"error":{"error":"` + text + `"}}` }

func TestCallsAreLetInWithAKeyAndATriggerOfItsNamespace(t *testing.T) {
	const foreign = "Trigger authentication request failed."
	for _, c := range []struct{ event, trigger, key, want string }{
		{"CREATE", "/guest/t", "guest:key", `{"event":"CREATE","params":{"fixed":1,"n":2},"trigger":"guest/t"}`},
		{"READ", "/_/t", "guest:key", `{"event":"READ","params":{"fixed":1,"n":2},"trigger":"guest/t"}`},
		{"PAUSE", "t", "guest:key", `{"event":"PAUSE","params":{"fixed":1,"n":2},"trigger":"guest/t"}`},
		{"DELETE", "gone", "guest:key", `{"event":"DELETE","params":{"fixed":1,"n":2},"trigger":"guest/gone"}`},
		{"UPDATE", "gone", "guest:key", refused(foreign)},
		{"READ", "/guest/t", "alice:key", refused(foreign)},
		{"DELETE", "/guest/t", "alice:key", refused(foreign)},
		{"DELETE", "/guest/t", "guest:forged", refused(foreign)},
		{"CREATE", "/guest/p/t", "guest:key", refused("trigger name '/guest/p/t' is not valid")},
		{"CREATE", "/guest/../t", "guest:key", refused("trigger name '/guest/../t' is not valid")},
		{"CREATE", "", "guest:key", refused("no trigger name parameter was provided")},
		{"CREATE", "t", "", refused("no authKey parameter was provided")},
		{"create", "t", "guest:key", refused("unsupported lifecycleEvent")},
		{"", "t", "guest:key", refused("unsupported lifecycleEvent")},
	} {
		args := fmt.Sprintf(`{"lifecycleEvent":%q,"triggerName":%q,"authKey":%q,"n":2,"apihost":"x","fixed":7}`, c.event, c.trigger, c.key)
		if got := act(args, keys{}, echo{}); got != c.want {
			t.Errorf("%s of %s with %s: %s, want %s", c.event, c.trigger, c.key, got, c.want)
		}
	}
	for _, args := range []string{`[]`, `null`, `7`} {
		if got := act(args, keys{}, echo{}); got != refused("the parameters of a feed are an object") {
			t.Errorf("arguments %s: %s", args, got)
		}
	}
}

func TestErrorsOfProvidersAreTheCallersOrThePlatforms(t *testing.T) {
	const args = `{"lifecycleEvent":"READ","triggerName":"t","authKey":"guest:key"}`
	if got := act(args, keys{}, echo{feed.Refuse("no %d", 1)}); got != refused("no 1") {
		t.Errorf("refusal: %s", got)
	}
	if got := act(args, keys{}, echo{errors.New("disk")}); got != "platform: disk" {
		t.Errorf("failure: %s", got)
	}
	if got := act(args, keys{broken: errors.New("disk")}, echo{}); !strings.HasPrefix(got, "platform: ") {
		t.Errorf("failure to check: %s", got)
	}
}

func TestParametersAreReadAsJavaScriptDoes(t *testing.T) {
	var p feed.Params
	if err := json.Unmarshal([]byte(`{"a":null,"b":false,"c":0,"d":"","s":" 5 ","n":7,"t":true,"o":{"x": 1},"l":[1]}`), &p); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"a": "", "b": "", "c": "", "d": "", "none": "", "s": " 5 ", "n": "7", "t": "true", "o": "", "l": ""} {
		if p.Text(key) != want || want == "" && key < "e" && p.Has(key) {
			t.Errorf("%s is %q, given %v", key, p.Text(key), p.Has(key))
		}
	}
	if n, ok := p.Integer("s"); n != 5 || !ok {
		t.Errorf("s is %d, %v", n, ok)
	}
	for key, want := range map[string]string{"o": `{"x":1}`, "s": `{"payload":" 5 "}`, "d": "", "n": "refused", "l": "refused"} {
		got, err := p.Payload(key)
		if err != nil {
			got = []byte("refused")
		}
		if string(got) != want {
			t.Errorf("payload %s is %s, want %s", key, got, want)
		}
	}
}

// marksman finds the owner and fires, or errs.
type marksman struct {
	namespace string
	missing   error
	shots     []feed.Shot
}

func (m *marksman) Owner(_ context.Context, uuid string) (*entity.Identity, error) {
	return &entity.Identity{Namespace: entity.Namespace{Name: m.namespace, UUID: uuid}}, m.missing
}

func (m *marksman) Fire(_ context.Context, s feed.Shot) (entity.ActivationID, error) {
	m.shots = append(m.shots, s)
	return "id", nil
}

func TestTriggersAreFiredAsTheirOwnerWhoMustStillBeIt(t *testing.T) {
	r := &feed.Registration{Trigger: entity.Name{Namespace: "guest", Name: "t"}, Owner: "uuid"}
	m := &marksman{namespace: "guest"}
	id, err := (&feed.Gun{Identities: m, Firer: m}).Fire(t.Context(), r, json.RawMessage(`{"a":1}`), map[string]string{"h": "1"})
	if err != nil || id != "id" || len(m.shots) != 1 {
		t.Fatalf("%s, %v, %d shots", id, err, len(m.shots))
	}
	if s := m.shots[0]; s.Identity.Namespace.UUID != "uuid" || s.Trigger != r.Trigger || string(s.Payload) != `{"a":1}` || s.Headers["h"] != "1" {
		t.Errorf("shot is %+v", s)
	}
	for _, m := range []*marksman{{namespace: "alice"}, {namespace: "guest", missing: entity.ErrAuthInvalid}} {
		_, err := (&feed.Gun{Identities: m, Firer: m}).Fire(t.Context(), r, nil, nil)
		if v := feed.Judge(err); !v.Disable || v.Code != 401 || len(m.shots) != 0 {
			t.Errorf("owner of %s: %v, %+v, %d shots", m.namespace, err, v, len(m.shots))
		}
	}
}
