package controller_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/entity"
)

func TestResultsOfWebActionsAreAnsweredByExtension(t *testing.T) {
	const notReady, failed = "{\n  \"error\": \"Response not yet ready.\",\n", "{\n  \"error\": \"There was an error processing your request.\",\n"
	for _, row := range []struct {
		activation  *entity.Activation
		ext         string
		status      int
		contentType string
		body        string
		fault       string
	}{
		{record(entity.Success, `{"body":"<b>"}`), "", 200, "text/html; charset=UTF-8", "<b>", ""},
		{record(entity.Success, `{"statusCode":302,"headers":{"location":"/x"}}`), ".http", 302, "", "", ""},
		{record(entity.Success, `{"a":1}`), ".json", 200, "application/json", "{\n  \"a\": 1\n}", ""},
		{record(entity.Success, `[1]`), ".json", 200, "application/json", "[\n  1\n]", ""},
		{record(entity.Success, `{"svg":"<svg/>"}`), ".svg", 200, "image/svg+xml", "<svg/>", ""},
		{record(entity.Success, `{"a":1}`), ".html", 400, "application/json", "{\n  \"error\": \"Response is not valid 'text/html'.\",\n", "GW2501"},
		{record(entity.Success, `{"a":1}`), ".text", 404, "application/json", "{\n  \"error\": \"Response does not include requested property.\",\n", "GW2501"},
		{record(entity.ApplicationError, `{"error":{"statusCode":404,"body":"gone"}}`), "", 404, "text/html; charset=UTF-8", "gone", ""},
		{record(entity.ApplicationError, `{"error":"no"}`), ".text", 200, "text/plain; charset=UTF-8", "no", ""},
		{record(entity.DeveloperError, `{"error":"crash"}`), ".json", 400, "application/json", failed, "GW2502"},
		{record(entity.WhiskError, `{"error":"us"}`), ".http", 400, "application/json", failed, "GW2502"},
		{nil, ".json", 202, "application/json", notReady, ""},
	} {
		a, _ := webAPI(t, row.activation)
		w := scenario{Method: "GET", URL: web + "hello" + row.ext, Headers: visitor()}.send(a)
		h := w.Header()
		if w.Code != row.status || h.Get("Content-Type") != row.contentType || !strings.HasPrefix(w.Body.String(), row.body) || h.Get("X-Gowhisk-Error") != row.fault {
			t.Errorf("%s: got %d %v %s", row.ext, w.Code, h, w.Body)
		}
		if h.Get("X-Openwhisk-Activation-Id") != someID || h.Get("X-Request-Id") == "" || h.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: headers %v", row.ext, h)
		}
	}
}

func TestClientsThatTakeAnotherTypeAreRefusedWithoutAnID(t *testing.T) {
	a, got := webAPI(t, record(entity.Success, `{"body":"x"}`))
	w := scenario{
		Method: "GET", URL: web + "hello", Headers: visitor("Accept", "application/json"), Status: 406,
		Contains: []string{`{"error":"Resource representation is only available with these types:\ntext/html; charset=UTF-8","code":"`},
	}.check(t, a)
	if got.Action == nil || w.Header().Get("X-Openwhisk-Activation-Id") != "" {
		t.Errorf("headers %v", w.Header())
	}
	a, _ = webAPI(t, record(entity.ApplicationError, `{"error":{"statusCode":404,"body":"x"}}`))
	scenario{Method: "GET", URL: web + "hello", Headers: visitor("Accept", "application/json"), Status: 404}.check(t, a)
	a, _ = webAPI(t, nil)
	scenario{Method: "GET", URL: web + "hello", Headers: visitor("Accept", "text/html"), Status: 202}.check(t, a)
}

func TestHeadRunsTheActionAndDropsTheBody(t *testing.T) {
	a, got := webAPI(t, record(entity.Success, `{"headers":{"X-Mine":"1"},"body":"hello"}`))
	w := scenario{Method: "HEAD", URL: web + "hello", Headers: visitor(), Status: 200}.check(t, a)
	if w.Body.Len() != 0 || w.Header().Get("X-Mine") != "1" || w.Header().Get("Content-Length") != "5" || got.Action == nil {
		t.Errorf("got %v %s", w.Header(), w.Body)
	}
}

func TestOptionsAreAnsweredForTheActionUnlessItDoesSo(t *testing.T) {
	const result = `{"headers":{"Access-Control-Allow-Methods":"MINE","Set-Cookie":["a=1","b=2"],"Location":"/x"},"body":"x"}`
	a, got := webAPI(t, record(entity.Success, result))
	a.put(t, "custom", annotated("web-custom-options=true", `require-whisk-auth="s"`))
	const methods, headers = "Access-Control-Allow-Methods", "Access-Control-Allow-Headers"
	options := scenario{Method: "OPTIONS", URL: web + "hello", Headers: visitor("Access-Control-Request-Headers", "X-Mine"), Status: 200}
	w := options.check(t, a)
	h := w.Header()
	if got.Action != nil || w.Body.Len() != 0 || h.Get("Content-Type") != "" || h.Get(headers) != "X-Mine" ||
		h.Get(methods) != "OPTIONS, GET, DELETE, POST, PUT, HEAD, PATCH" || h.Get("Set-Cookie") != "" {
		t.Errorf("got %v %s", h, w.Body)
	}
	options.URL = web + "custom"
	h = options.check(t, a).Header()
	if got.Action == nil || h.Get(methods) != "MINE" || h.Get(headers) != "" || len(h["Set-Cookie"]) != 2 || h.Get("Location") != "/x" {
		t.Errorf("got %v", h)
	}
	options.URL = web + "nothing"
	if h = options.check(t, a).Header(); h.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("got %v", h)
	}
	h = scenario{Method: "GET", URL: web + "custom", Headers: visitor("X-Require-Whisk-Auth", "s"), Status: 200}.check(t, a).Header()
	if h.Get("Access-Control-Allow-Origin") != "" || h.Get(methods) != "MINE" {
		t.Errorf("got %v", h)
	}
	h = scenario{Method: "GET", URL: web + "hello", Headers: visitor(), Status: 200}.check(t, a).Header()
	if h.Get("Access-Control-Allow-Origin") != "*" || len(h[methods]) != 1 || h.Get(methods) != "MINE" {
		t.Errorf("got %v", h)
	}
}

func TestActionCannotSpeakForThePlatform(t *testing.T) {
	const result = `{"headers":{"x-request-id":"forged","X-OpenWhisk-Activation-Id":"forged","x-gowhisk-error":"forged","Content-Length":1},"body":"hello"}`
	a, _ := webAPI(t, record(entity.Success, result))
	w := scenario{Method: "GET", URL: web + "hello", Headers: visitor("X-Request-ID", "t"), Status: 200}.check(t, a)
	h := w.Header()
	if h.Get("X-Request-Id") != "t" || h.Get("X-Openwhisk-Activation-Id") != someID || h.Get("X-Gowhisk-Error") != "" || h.Get("Content-Length") != "5" {
		t.Errorf("got %v", h)
	}
}

func TestWebCallsAreObservedByTheirRoute(t *testing.T) {
	a, got := webAPI(t, record(entity.Success, `{}`))
	scenario{Method: "GET", URL: web + "hello", Headers: visitor(), Status: 204}.check(t, a)
	want := "GET /api/v1/web/{ns}/{pkg}/{action} " + http.StatusText(http.StatusNoContent)
	if last := a.observed[len(a.observed)-1]; last != want || got.Action == nil {
		t.Errorf("got %q", last)
	}
}
