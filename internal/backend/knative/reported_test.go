package knative_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/entity"
)

const anID = "0123456789abcdef0123456789abcdef"

// pod is what a pod of the action has in the files of its Secret.
func pod(t *testing.T, c *cluster) (key string, as json.RawMessage) {
	t.Helper()
	read := func(name string) []byte {
		data, _ := c.all("secrets")[0].Object["data"].(map[string]any)
		text, _ := data[name].(string)
		content, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(content) == 0 {
			t.Fatalf("%s: %v", name, err)
		}
		return content
	}
	var home struct {
		URL string          `json:"url"`
		As  json.RawMessage `json:"as"`
	}
	if err := json.Unmarshal(read("report.json"), &home); err != nil {
		t.Fatal(err)
	}
	return "Bearer " + string(read("gateway-key")), home.As
}

func TestWhatPodsReportIsAnActivationOfTheirAction(t *testing.T) {
	c := newCluster(t, answering(200, `{}`, ""))
	b := start(t, c, having(action()))
	if _, err := b.Invoke(t.Context(), message(action())); err != nil {
		t.Fatal(err)
	}
	key, as := pod(t, c)
	const two = `{"transactionId":"t","accepted":1000,"answer":{"activationId":"` + anID + `","status":200,"start":1005,"end":1012,"logs":["l"],"result":{"error":"no"}}},
		{"transactionId":"t","accepted":1000,"answer":{"activationId":"short","status":200,"start":1005,"end":1012,"result":{}}}`
	body := func(as string, list string) []byte {
		return []byte(`{"as":` + as + `,"lost":3,"activations":[` + list + `]}`)
	}
	ran, lost, err := b.Reported(key, body(string(as), two))
	if err != nil || lost != 3 || len(ran) != 1 {
		t.Fatalf("%+v, %d, %v", ran, lost, err)
	}
	one := ran[0]
	if one.Namespace != "guest" || one.Message.Action.Name != action().Name || one.Message.ID != anID || one.Message.Action.Limits.Memory != action().Limits.Memory {
		t.Errorf("%+v", one)
	}
	if r := one.Result; r.Response.Status != entity.ApplicationError || r.Duration.Milliseconds() != 7 || r.Wait.Milliseconds() != 5 || len(r.Logs) != 1 {
		t.Errorf("%+v", r)
	}
	if _, err := b.Asked(key, []byte(`{"as":`+string(as)+`,"authorization":"Basic x"}`)); err != nil {
		t.Error(err)
	}
	if revision := c.all("secrets")[0].GetName(); !b.Knows(revision, key) || b.Knows(revision+"0", key) || b.Knows(revision, "") || b.Knows("", key) {
		t.Error("the key is not that of the pods alone")
	}
	for name, row := range map[string]struct{ key, as, list string }{
		"no key":            {"", string(as), two},
		"another key":       {key[:len(key)-1] + "x", string(as), two},
		"another version":   {key, strings.Replace(string(as), `"tag":"`, `"tag":"0`, 1), two},
		"another namespace": {key, strings.Replace(string(as), `"namespace":"guest"`, `"namespace":"other"`, 1), two},
		"another action":    {key, strings.Replace(string(as), `"action":"/guest/`, `"action":"/other/`, 1), two},
		"through a binding": {key, strings.Replace(string(as), `"version"`, `"binding":"/guest/b","version"`, 1), two},
		"no words":          {key, `{}`, two},
	} {
		if ran, _, err := b.Reported(row.key, body(row.as, row.list)); entity.KindOf(err) != entity.Unauthorized {
			t.Errorf("%s: %+v, %v", name, ran, err)
		}
		if _, err := b.Asked(row.key, []byte(`{"as":`+row.as+`}`)); entity.KindOf(err) != entity.Unauthorized {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := b.Reported(key, []byte(`{`)); entity.KindOf(err) != entity.Malformed {
		t.Error(err)
	}
}

func TestParametersOfThePackageMakeAVersion(t *testing.T) {
	c := newCluster(t, answering(200, `{}`, ""))
	a := action()
	n := having(a)
	b := start(t, c, n)
	revisions := map[string]bool{}
	for _, value := range []string{`1`, `2`} {
		merged := *a
		merged.Parameters = entity.Parameters{{Key: "currency", Value: json.RawMessage(value)}}
		n.put(&merged)
		if _, err := b.Invoke(t.Context(), message(&merged)); err != nil {
			t.Fatal(err)
		}
		for _, s := range c.all("secrets") {
			revisions[s.GetName()] = true
		}
	}
	if len(revisions) < 2 {
		t.Errorf("versions are %v", revisions)
	}
}

func TestOnlyWebActionsAreSeenFromOutside(t *testing.T) {
	for name, row := range map[string]struct {
		annotations entity.Parameters
		namespace   string
		label       string
	}{
		"not exported":         {nil, "guest", "cluster-local"},
		"exported":             {entity.Parameters{{Key: "web-export", Value: json.RawMessage(`true`)}}, "guest", ""},
		"with a secret":        {entity.Parameters{{Key: "web-export", Value: json.RawMessage(`true`)}, {Key: "require-whisk-auth", Value: json.RawMessage(`"s"`)}}, "guest", ""},
		"of another namespace": {entity.Parameters{{Key: "web-export", Value: json.RawMessage(`true`)}}, "other", "cluster-local"},
	} {
		c := newCluster(t, answering(200, `{}`, ""))
		a := action()
		a.Annotations = row.annotations
		msg := message(a)
		msg.Identity.Namespace.Name = row.namespace
		if _, err := start(t, c, having(a)).Invoke(t.Context(), msg); err != nil {
			t.Fatal(err)
		}
		for _, s := range c.all("services") {
			if s.GetAnnotations()["dev.gowhisk/namespace"] == row.namespace && s.GetLabels()["networking.knative.dev/visibility"] != row.label {
				t.Errorf("%s: %v", name, s.GetLabels())
			}
		}
	}
}
