package actionproxy_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
)

func TestWebRequestsReachTheActionWithTheirContext(t *testing.T) {
	s := dedicated(t, `function main(a) { return {body: a}; }`, exported)
	for _, method := range []string{"GET", "POST", "PUT", "DELETE", "PATCH"} {
		s.want(s.send(method, "/hello.http/x%20y?a=1&b=2", `{"b":{"c":1}}`, sendsJSON), 200, `"__ow_path":"/x%20y","a":"1","b":{"c":1}}`)
		s.want(s.send(method, "/", ""), 200, `{"__ow_method":"`+strings.ToLower(method)+`"`)
	}
	if got := s.send("HEAD", "/", ""); got.status != 200 || got.body != "" {
		t.Errorf("HEAD: got %d %s", got.status, got.body)
	}
	s.want(s.send("POST", "/", "a=1&b=%C3%A9", "Content-Type: application/x-www-form-urlencoded"), 200, `"a":"1","b":"é"`)
	s.want(s.send("POST", "/", "text", "Content-Type: text/plain"), 200, `"__ow_body":"text"`)
	s.want(s.send("POST", "/", "\x00\xff", "Content-Type: image/png"), 200, `"__ow_body":"AP8="`)
	s.want(s.send("TRACE", "/", ""), 405, "supported methods: OPTIONS, GET, DELETE, POST, PUT, HEAD, PATCH")
	s.want(s.post(`{"__ow_user":"root"}`), 400, "reserved properties")
	s.want(s.send("GET", "/?__ow_user=root", ""), 400, "reserved properties")
	s.want(s.post(`{"a":`), 400, "The request content was malformed")
	s.want(s.post(`{"activation":{"activation_id":"i"},"value":{"name":"n","main":"m","code":"c","binary":true,"raw":1}}`), 200,
		`"name":"n","main":"m","code":"c","binary":true,"raw":1}`)
}

func TestWebActionsAreFoundUnderTheirNames(t *testing.T) {
	s := dedicated(t, `function main(a) { return {html: '<p>' + a.__ow_path, text: 'T', body: undefined, v: 1}; }`, `"package":"utils",`+exported)
	for path, want := range map[string]string{
		"/hello.html/a": "<p>/a", "/utils/hello.html": "<p>", "/api/v1/web/guest/utils/hello.html/b/": "<p>/b/", "/hello.text": "T",
		"/api/v1/web/guest/utils/hello.json": `{"html":"<p>","text":"T","v":1}`,
	} {
		s.want(s.send("GET", path, ""), 200, want)
	}
	for _, path := range []string{"/other", "/utils/other", "/hello.xml", "/utils", "/api/v1/web/guest/default/hello", "/api/v1/web/nobody/utils/hello", "/api/v1/namespaces", "/default/hello", "/run"} {
		s.want(s.send("GET", path, ""), 404, `{"error":"The requested resource could not be found."`)
	}
}

func TestResultsBecomeHTTP(t *testing.T) {
	s := dedicated(t, `function main(a) { return a.r ? JSON.parse(a.r) : {}; }`, exported)
	png := base64.StdEncoding.EncodeToString([]byte("\x89PNG\x00"))
	for _, row := range []struct {
		result string
		status int
		kind   string
		body   string
	}{
		{`{}`, 204, "", ""},
		{`{"body":"<b>"}`, 200, "text/html; charset=UTF-8", "<b>"},
		{`{"body":{"a":1}}`, 200, "application/json", `{"a":1}`},
		{`{"body":"` + png + `","headers":{"content-type":"image/png"}}`, 200, "image/png", "\x89PNG\x00"},
		{`{"body":"!","headers":{"Content-Type":"application/pdf"}}`, 400, "application/json", "did not match generated content type"},
		{`{"statusCode":302,"headers":{"location":"http://x"}}`, 302, "", ""},
		{`{"error":{"statusCode":418,"body":"tea"}}`, 418, "text/html; charset=UTF-8", "tea"},
		{`{"statusCode":"none"}`, 400, "application/json", "message/http"},
	} {
		got := s.send("POST", "/", `{"r":`+quote(row.result)+`}`, sendsJSON)
		s.want(got, row.status, row.body)
		if row.body == "" && got.body != "" || got.header.Get("Content-Type") != row.kind || got.header.Get("X-Openwhisk-Activation-Id") == "" {
			t.Errorf("%s: got %v %q", row.result, got.header, got.body)
		}
	}
	s.want(s.send("POST", "/", `{"r":"{\"body\":\"x\"}"}`, sendsJSON, "Accept: application/json"), 406, "only available with these types")
	got := s.post(`{"r":"{\"headers\":{\"Set-Cookie\":[\"a=1\",\"b=2\"]},\"body\":\"x\"}"}`)
	if cookies := got.header["Set-Cookie"]; len(cookies) != 2 {
		t.Errorf("cookies %q", cookies)
	}
}

func TestRawWebActionsGetWhatCame(t *testing.T) {
	s := dedicated(t, `function main(a) { return {body: a}; }`, `"annotations":[{"key":"web-export","value":true},{"key":"raw-http","value":true}]`)
	s.want(s.send("POST", "/?a=%20&__ow_user=x", `{"b":1}`, sendsJSON), 200, `"__ow_query":"a=+&__ow_user=x","__ow_body":"eyJiIjoxfQ=="}`)
	s.want(s.post(`{"activation":{},"value":{"b":1}}`), 200, `"__ow_body":"eyJiIjoxfQ=="}`)
}

func TestFinalParametersAndSecretsAreKept(t *testing.T) {
	s := dedicated(t, `function main(a) { return {body: {fixed: a.fixed, a: a.a}}; }`, `"parameters":[{"key":"fixed","value":1}],
		"annotations":[{"key":"web-export","value":true},{"key":"final","value":true},{"key":"require-whisk-auth","value":"s"}]`)
	const secret = "X-Require-Whisk-Auth: s"
	s.want(s.post(`{}`), 401, "Authentication is possible")
	s.want(s.post(`{"activation":{},"value":{}}`), 401, "Authentication is possible")
	s.want(s.send("POST", "/", `{"a":2}`, sendsJSON, secret), 200, `{"fixed":1,"a":2}`)
	for _, body := range []string{`{"fixed":2}`, `{"activation":{},"value":{"fixed":2}}`} {
		s.want(s.send("POST", "/", body, sendsJSON, secret), 400, "reserved properties")
	}
	event := []string{"Ce-Specversion: 1.0", "Ce-Id: 1", "Ce-Type: t", "Ce-Source: s", sendsJSON}
	s.want(s.send("POST", "/", `{}`, event...), 401, "Authentication")
	s.want(s.send("POST", "/", `{"fixed":2}`, append(event, secret)...), 400, "reserved properties")

	plain := dedicated(t, echo, `"parameters":[{"key":"fixed","value":1}],"annotations":[{"key":"final","value":true}]`)
	for _, body := range []string{`{"fixed":2}`, `{"activation":{},"value":{"fixed":2}}`} {
		plain.want(plain.post(body), 400, "reserved properties")
	}
	plain.want(plain.send("POST", "/?fixed=2", ``), 400, "reserved properties")
}

func TestOtherOriginsMayCallUnlessTheActionDecides(t *testing.T) {
	s := dedicated(t, `function main(a) { return {headers: {'Access-Control-Allow-Headers': 'X'}, body: 'x'}; }`, exported)
	got := s.send("OPTIONS", "/", "", "Access-Control-Request-Headers: X-A")
	if got.status != 200 || got.body != "" || got.header.Get("Access-Control-Allow-Headers") != "X-A" || got.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("got %d %v", got.status, got.header)
	}
	if got := s.send("GET", "/", ""); got.header.Get("Access-Control-Allow-Headers") != "X" || got.header.Get("Access-Control-Allow-Methods") == "" {
		t.Errorf("got %v", got.header)
	}
	own := dedicated(t, `function main(a) { return {headers: {'access-control-allow-methods': a.__ow_method}, statusCode: 201}; }`,
		`"annotations":[{"key":"web-export","value":true},{"key":"web-custom-options","value":true}]`)
	if got := own.send("OPTIONS", "/", ""); got.status != 201 || got.header.Get("Access-Control-Allow-Methods") != "options" || got.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("got %d %v", got.status, got.header)
	}
}

func TestMethodsAreDeclaredInTheImage(t *testing.T) {
	s := dedicated(t, `function main(a) { return {body: a.__ow_method}; }`, `"methods":["get","PUT"],`+exported)
	s.want(s.send("PUT", "/", ""), 200, "put")
	s.want(s.send("OPTIONS", "/", ""), 200, "")
	got := s.send("POST", "/", "")
	s.want(got, 405, `{"error":"HTTP method not allowed, supported methods: GET, PUT"`)
	if got.header.Get("Allow") != "GET, PUT" {
		t.Errorf("Allow: %s", got.header.Get("Allow"))
	}
	cell := knative(t, actionproxy.KnativeOptions{Runtime: supervised(t, "nodejs", false), Node: true,
		Defaults: actionproxy.Action{Methods: []string{"GET", "POST"}, Annotations: actionproxy.KeyValues{{Key: "web-export", Value: []byte("true")}}}})
	cell.want(cell.post(`{`+initOf(`function main(a) { return {body: a.__ow_method}; }`)+`}`), 200, "OK")
	cell.want(cell.send("GET", "/hello", ""), 200, "get")
	cell.want(cell.send("PUT", "/hello", ""), 405, "")
}

func TestEventsComeAndGo(t *testing.T) {
	s := dedicated(t, `function main(a) { if (a.fail) return {error: 'no'}; if (a.out) return {specversion: '1.0', type: 'done', subject: 'ü', data: {got: a.__ce_type}}; console.log(JSON.stringify(a)); return a; }`, "")
	binary := []string{"Ce-Specversion: 1.0", "Ce-Id: 1", "Ce-Type: made", "Ce-Source: /s", "Ce-Ext1: a%20b"}
	got := s.send("POST", "/", `{"a":1}`, append(binary, sendsJSON)...)
	if got.status != 204 || got.body != "" {
		t.Errorf("got %d %s", got.status, got.body)
	}
	s.want(s.send("POST", "/", `{"fail":1}`, append(binary, sendsJSON)...), 422, `{"error":"no"}`)
	got = s.send("POST", "/", `{"out":1}`, append(binary, sendsJSON)...)
	s.want(got, 200, `{"got":"made"}`)
	h := got.header
	if h.Get("Ce-Type") != "done" || h.Get("Ce-Source") != "/guest/hello" || h.Get("Ce-Id") != h.Get("X-Openwhisk-Activation-Id") || h.Get("Ce-Subject") != "%C3%BC" || h.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", h)
	}
	structured := "Content-Type: application/cloudevents+json"
	got = s.send("POST", "/", `{"specversion":"1.0","id":"1","type":"t2","source":"/s","data":{"out":1}}`, structured)
	s.want(got, 200, `"data":{"got":"t2"}`)
	if !strings.HasPrefix(got.header.Get("Content-Type"), "application/cloudevents+json") {
		t.Errorf("got %v", got.header)
	}
	s.want(s.send("POST", "/", `[]`, "Content-Type: application/cloudevents-batch+json"), 415, "Batches")
	s.want(s.send("POST", "/", `{"id":"1"}`, structured), 400, "The event is malformed: the event has no specversion")
	s.want(s.send("POST", "/", `{"__ce_type":1}`, append(binary, sendsJSON)...), 400, "reserved properties")
}

func TestAttributesAndOtherDataOfEventsAreArguments(t *testing.T) {
	s := dedicated(t, `function main(a) { return {specversion: '1.0', type: 'x', data: a}; }`, "")
	binary := []string{"Ce-Specversion: 1.0", "Ce-Id: 1", "Ce-Type: made", "Ce-Source: /s"}
	for _, row := range [][2]string{
		{"Content-Type: text/plain", `"__ce_data":"dGV4dA=="`}, {"Content-Type: application/octet-stream", `"__ce_data":"ZEdWNGRBPT0="`}, {"Content-Type: application/json", `"__ce_data":5`},
	} {
		body := map[string]string{"Content-Type: application/json": "5"}[row[0]]
		if body == "" {
			body = "dGV4dA=="
		}
		s.want(s.send("POST", "/", body, append(binary, row[0])...), 200, row[1])
	}
	s.want(s.send("POST", "/", "", binary...), 200, `{"__ce_id":"1","__ce_source":"/s","__ce_specversion":"1.0","__ce_type":"made"}`)
}
