package webaction_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/gowhisk/gowhisk/internal/webaction"
)

func TestSecretsAndCredentialsOpenProtectedActions(t *testing.T) {
	for _, row := range []struct {
		required string
		given    []string
		known    bool
		want     bool
	}{
		{"", nil, false, true}, {"false", nil, false, true}, {"false", []string{"x"}, true, true},
		{"true", nil, false, false}, {"true", nil, true, true}, {"true", []string{"true"}, false, false},
		{`"abc"`, nil, true, false}, {`"abc"`, []string{"abc"}, false, true}, {`"abc"`, []string{"abd"}, true, false},
		{`"abc"`, []string{"abcd"}, false, false}, {`"abc"`, []string{"ABC"}, false, false}, {`"abc"`, []string{`"abc"`}, false, false},
		{`"\u0061"`, []string{"a"}, false, true}, {`""`, nil, true, false}, {`""`, []string{""}, false, true},
		{"4711", []string{"4711"}, false, true}, {"4711", []string{"4711.0"}, false, false}, {"-1", []string{"-1"}, false, true},
		{"null", nil, true, false}, {"null", []string{"null"}, true, false}, {"{}", []string{"{}"}, true, false}, {"[1]", []string{"1"}, true, false},
	} {
		h := http.Header{}
		if row.given != nil {
			h["X-Require-Whisk-Auth"] = row.given
		}
		if got := webaction.Authorized(json.RawMessage(row.required), h, row.known); got != row.want {
			t.Errorf("%s, given %q, known %v: got %v", row.required, row.given, row.known, got)
		}
	}
}

func TestTheMostExactEntryOfAcceptDecides(t *testing.T) {
	const html = "text/html; charset=UTF-8"
	for _, row := range []struct {
		accept      []string
		contentType string
		want        bool
	}{
		{nil, html, true}, {[]string{"*/*"}, html, true}, {[]string{""}, html, true},
		{[]string{"application/json"}, html, false}, {[]string{"text/*"}, html, true}, {[]string{"TEXT/HTML"}, html, true},
		{[]string{"application/json, text/html;q=0.5"}, html, true}, {[]string{"application/json", "text/html"}, html, true},
		{[]string{"text/html;q=0, */*"}, html, false}, {[]string{"*/*, text/html;q=0.0"}, html, false},
		{[]string{"*/*;q=0"}, html, false}, {[]string{"image/*;q=0, */*;q=0.1"}, html, true}, {[]string{"text/html;q=x"}, html, true},
		{[]string{"/;;"}, html, true}, {[]string{"text/plain"}, "application/json", false}, {[]string{"application/json"}, "application/json", true},
	} {
		if got := webaction.Acceptable(row.accept, row.contentType); got != row.want {
			t.Errorf("%q for %s: got %v", row.accept, row.contentType, got)
		}
	}
}

func TestOnlyBodiesThatComeWithSuccessAreNegotiated(t *testing.T) {
	for result, refused := range map[string]bool{
		`{"body":"x"}`: true, `{}`: false, `{"body":"x","statusCode":404}`: false, `{"body":"x","statusCode":302}`: false, `{"body":{}}`: false,
	} {
		got, err := webaction.Encode(webaction.HTTP, json.RawMessage(result))
		if err != nil {
			t.Fatal(err)
		}
		err = got.Negotiate([]string{"application/json"})
		if want := webaction.NotAcceptable("text/html; charset=UTF-8"); refused && !errors.Is(err, want) || !refused && err != nil {
			t.Errorf("%s: got %v", result, err)
		}
	}
}

func TestRequestedHeadersAreAllowed(t *testing.T) {
	h := http.Header{}
	webaction.AllowOrigins(h, nil)
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "OPTIONS, GET, DELETE, POST, PUT, HEAD, PATCH",
		"Access-Control-Allow-Headers": "Authorization, Origin, X-Requested-With, Content-Type, Accept, User-Agent",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: got %q", name, got)
		}
	}
	webaction.AllowOrigins(h, []string{"X-Mine"})
	if got := h.Get("Access-Control-Allow-Headers"); got != "X-Mine" {
		t.Error(got)
	}
	webaction.AllowOrigins(h, []string{"X-Mine\r\nSet-Cookie: a"})
	if got := h.Get("Access-Control-Allow-Headers"); got == "" || got[0] != 'A' {
		t.Error(got)
	}
	if webaction.DisallowOrigins(h); len(h) != 0 {
		t.Errorf("left %v", h)
	}
}
