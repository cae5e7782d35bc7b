package actionproxy_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
)

func TestStemCellIsAnActionsAfterTheGatewaysFirstRequest(t *testing.T) {
	s := knative(t, actionproxy.KnativeOptions{Runtime: supervised(t, "nodejs", true), Node: true, GatewayKey: "k"})
	sent := func(kind, body string) (actionproxy.ActivationAnswer, reply) {
		t.Helper()
		got := s.send("POST", "/", body, "Accept: "+actionproxy.ActivationMediaType, "Authorization: Bearer k", "Content-Type: "+kind, "X-Whisk-Activation-Id: i1")
		var a actionproxy.ActivationAnswer
		if got.status == 200 && json.Unmarshal([]byte(got.body), &a) != nil {
			t.Fatalf("answer %s", got.body)
		}
		return a, got
	}
	if got := s.send("GET", actionproxy.ReadyPath, ""); got.status == 200 && got.header.Get(actionproxy.StemCellHeader) != "true" {
		t.Errorf("a stem cell has %v", got.header)
	}
	_, got := sent(actionproxy.InitMediaType, `{"value":{}}`)
	s.want(got, 400, "")
	_, got = sent("application/json", `{}`)
	s.want(got, 403, "initialize")

	const code = `function main(a) { console.log('12345678'.repeat(200000)); return {x: a.x, c: process.env.__OW_ALLOW_CONCURRENT, n: process.env.__OW_NAMESPACE} }`
	first := `{"init":{"name":"hello","main":"main","namespace":"guest","code":` + quote(code) + `,"limits":{"timeout":10000,"logs":1,"concurrency":1}},"value":{"x":1}}`
	a, _ := sent(actionproxy.InitMediaType, first)
	if string(a.Result) != `{"x":1,"n":"guest"}` || a.InitTime < 1 || a.ActivationID != "i1" || !a.LogsTruncated {
		t.Errorf("first: %+v", a)
	}
	_, got = sent(actionproxy.InitMediaType, first)
	s.want(got, 403, "more than once")
	a, _ = sent("application/json", `{"x":2}`)
	if string(a.Result) != `{"x":2,"n":"guest"}` || a.InitTime != 0 {
		t.Errorf("next: %+v", a)
	}
	if got := s.send("GET", actionproxy.ReadyPath, ""); got.status != 200 || got.header.Get(actionproxy.StemCellHeader) != "" {
		t.Errorf("got %d %v", got.status, got.header)
	}
}

func TestActionThatDoesNotBeginInAStemCellSaysWhy(t *testing.T) {
	s := knative(t, actionproxy.KnativeOptions{Runtime: supervised(t, "nodejs", false), Node: true, GatewayKey: "k"})
	got := s.send("POST", "/", `{"init":{"name":"x","main":"main","code":"function main( {"},"value":{}}`,
		"Accept: "+actionproxy.ActivationMediaType, "Authorization: Bearer k", "Content-Type: "+actionproxy.InitMediaType)
	var a actionproxy.ActivationAnswer
	if err := json.Unmarshal([]byte(got.body), &a); err != nil || a.Status == 200 || a.InitTime < 1 || !a.InitFailed || !strings.Contains(string(a.Result), "SyntaxError") {
		t.Errorf("%d %s, %v", got.status, got.body, err)
	}
	stranger := s.send("POST", "/", `{"init":{"code":"x"},"value":{}}`, "Accept: "+actionproxy.ActivationMediaType, "Content-Type: "+actionproxy.InitMediaType)
	s.want(stranger, 401, "")
}

func TestDedicatedImageIsNoStemCell(t *testing.T) {
	s := knative(t, actionproxy.KnativeOptions{Runtime: supervised(t, "nodejs", false), Action: baked(t, echo, ""), Concurrency: 1, Node: true, GatewayKey: "k"})
	got := s.send("POST", "/", `{"init":{"code":"x"},"value":{}}`, "Authorization: Bearer k", "Accept: "+actionproxy.ActivationMediaType, "Content-Type: "+actionproxy.InitMediaType)
	s.want(got, 403, "more than once")
}
