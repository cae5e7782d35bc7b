package webaction_test

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/webaction"
)

// FuzzArguments looks for requests that reach an action in a form that it
// must not get.
func FuzzArguments(f *testing.F) {
	f.Add("POST", "application/json", "a=1&%5f_ow_user=x", `{"a":{"b":[1,null]},"__ow_body":1}`, "/p", false)
	f.Add("PUT", "application/x-www-form-urlencoded", "", "a=1&b=%zz&fixed=2", "", false)
	f.Add("GET", "text/plain; charset=x", "q=%ff&;&=&&", "\xff\"\\", "/%2f", true)
	f.Add("GET", "", "fixed=1", "", "", false)
	f.Add("PATCH", "application/json", "a=1", ` {"\u0061":1,"fixe\u0064":2} `, "", false)
	f.Fuzz(func(t *testing.T, method, contentType, query, body, path string, raw bool) {
		r := webaction.Request{
			Method: method, Header: http.Header{"X": {contentType}}, Query: query, Body: []byte(body), Path: path, User: "user",
		}
		if contentType != "" {
			r.Header["Content-Type"] = []string{contentType}
		}
		args := r.RawArguments()
		if !raw {
			var err error
			args, err = r.Arguments(func(key string) bool { return key == "fixed" })
			if _, known := errors.AsType[*webaction.Error](err); err != nil && !known {
				t.Fatalf("%v is no error of this package", err)
			}
			if err != nil {
				return
			}
		}
		checkArguments(t, args, r, raw)
	})
}

func checkArguments(t *testing.T, args []byte, r webaction.Request, raw bool) {
	t.Helper()
	var in map[string]json.RawMessage
	if err := json.Unmarshal(args, &in); err != nil {
		t.Fatalf("%v: %q", err, args)
	}
	for key, want := range map[string]string{
		"__ow_method": strings.ToLower(r.Method), "__ow_path": r.Path, "__ow_user": r.User,
	} {
		var got string
		if err := json.Unmarshal(in[key], &got); err != nil || got != readable(want) {
			t.Errorf("%s is %s, not %q", key, in[key], want)
		}
	}
	if in["fixed"] != nil {
		t.Errorf("fixed is set: %s", args)
	}
	if _, there := in["__ow_query"]; there != raw {
		t.Errorf("raw is %v, but: %s", raw, args)
	}
	for key := range in {
		if raw && !webaction.Reserved(key) {
			t.Errorf("a raw action gets %q", key)
		}
	}
}

// readable is s with U+FFFD for every byte that is not UTF-8.
func readable(s string) string { return string([]rune(s)) }

// FuzzEncode looks for results that make a response which is none, or more
// than one.
func FuzzEncode(f *testing.F) {
	for _, result := range []string{
		`{"headers":{"Set-Cookie":["a","b\r\nc"],"content-type":"text/html"},"statusCode":"201","body":"x"}`,
		`{"headers":{"content-type":"image/png"},"body":"iVBORw=="}`, `{"headers":{"content-type":"a/b; c=\"d\"; charset=e"},"body":"x"}`,
		`{"body":{"a":1},"headers":{"content-type":"application/x+json; q=\u00e9"}}`, `{"statusCode":1e2}`, `[1]`, `{"error":{"text":null}}`,
		`{"html":"a","svg":"b","text":{"c":[]}}`,
	} {
		for ext := range uint8(6) {
			f.Add(ext, []byte(result))
		}
	}
	extensions := []webaction.Extension{webaction.HTTP, webaction.JSON, webaction.HTML, webaction.SVG, webaction.Text, ""}
	f.Fuzz(func(t *testing.T, ext uint8, result []byte) {
		e := extensions[int(ext)%len(extensions)]
		for _, encode := range []func(webaction.Extension, json.RawMessage) (webaction.Response, error){webaction.Encode, webaction.EncodeFailure} {
			got, err := encode(e, result)
			if err == nil {
				checkResponse(t, got)
				if len(got.Body) > 4*len(result)+128<<10 {
					t.Errorf("%d bytes became %d", len(result), len(got.Body))
				}
				continue
			}
			if known, ok := errors.AsType[*webaction.Error](err); !ok || known.Rejected || !json.Valid(known.Body("x")) {
				t.Errorf("got %#v", err)
			}
		}
	})
}

func checkResponse(t *testing.T, r webaction.Response) {
	t.Helper()
	if r.Status < 200 || r.Status > 599 {
		t.Errorf("status %d", r.Status)
	}
	contentType := r.Header["Content-Type"]
	if len(r.Body) > 0 && len(contentType) != 1 || len(contentType) > 1 {
		t.Errorf("body %q has the type %q", r.Body, contentType)
	}
	if len(contentType) > 0 {
		if _, _, err := mime.ParseMediaType(contentType[0]); err != nil {
			t.Errorf("type %q: %v", contentType, err)
		}
	}
	if len(r.Body) > 0 && (r.Status == http.StatusNoContent || r.Status == http.StatusNotModified) {
		t.Errorf("status %d has the body %q", r.Status, r.Body)
	}
	for name, values := range r.Header {
		if name == "" || strings.ContainsAny(name, "\r\n\x00 :") || name != http.CanonicalHeaderKey(name) {
			t.Errorf("name of a header: %q", name)
		}
		if name == "Content-Length" || name == "Transfer-Encoding" || name == "Connection" {
			t.Errorf("the action frames the message: %s", name)
		}
		for _, v := range values {
			if strings.ContainsFunc(v, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
				t.Errorf("%s: %q", name, v)
			}
		}
	}
}

// FuzzAccept looks for an Accept header that cannot be read.
func FuzzAccept(f *testing.F) {
	f.Add("text/html;q=0, */*", "text/html; charset=UTF-8")
	f.Fuzz(func(t *testing.T, accept, contentType string) {
		got := webaction.Acceptable([]string{accept}, contentType)
		if accept == "" && !got {
			t.Error("an empty header excludes")
		}
	})
}
