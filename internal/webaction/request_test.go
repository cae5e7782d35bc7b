package webaction_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gowhisk/gowhisk/internal/webaction"
)

func nothing(string) bool { return false }

// members decodes arguments and drops the context that every row has.
func members(t *testing.T, args []byte) map[string]any {
	t.Helper()
	var in map[string]any
	if err := json.Unmarshal(args, &in); err != nil {
		t.Fatalf("%v: %s", err, args)
	}
	for _, key := range []string{"__ow_method", "__ow_headers", "__ow_path"} {
		if _, there := in[key]; !there {
			t.Errorf("no %s in %s", key, args)
		}
		delete(in, key)
	}
	return in
}

func header(contentType string) http.Header {
	if contentType == "" {
		return http.Header{}
	}
	return http.Header{"Content-Type": {contentType}}
}

func TestContextTellsMethodHeadersPathAndUser(t *testing.T) {
	r := webaction.Request{
		Method: "PATCH", Path: "/a%20b/", User: "alice", Body: []byte("x"),
		Header: http.Header{
			"Host": {"api.example"}, "Accept": {"text/html", "text/plain"}, "Authorization": {"Basic x"},
			"Content-Length": {"1"}, "X-Ow-Extra-Logging": {"on"}, "Empty": {},
		},
	}
	args, err := r.Arguments(nothing)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"__ow_method":"patch","__ow_headers":{"accept":"text/plain","authorization":"Basic x","host":"api.example",` +
		`"content-type":"application/octet-stream"},"__ow_path":"/a%20b/","__ow_user":"alice","__ow_body":"eA=="}`
	if string(args) != want {
		t.Errorf("got  %s\nwant %s", args, want)
	}
	r = webaction.Request{Method: "GET", Header: http.Header{}}
	if args, err = r.Arguments(nothing); err != nil || string(args) != `{"__ow_method":"get","__ow_headers":{},"__ow_path":""}` {
		t.Errorf("got %s, %v", args, err)
	}
}

func TestQueryAndBodyBecomeArguments(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	type args = map[string]any
	for name, row := range map[string]struct {
		query, contentType, body string
		want                     args
	}{
		"nothing":                       {"", "", "", args{}},
		"query":                         {"a=1&b=x+y%21&c&=e", "", "", args{"a": "1", "b": "x y!", "c": "", "": "e"}},
		"last of a query wins":          {"a=1&a=2", "", "", args{"a": "2"}},
		"empty fields of a query":       {"&&a=1&", "", "", args{"a": "1"}},
		"bad escape in a query":         {"a=%zz", "", "", args{"a": "%zz"}},
		"bytes in a query":              {"a=%ff", "", "", args{"a": "\ufffd"}},
		"semicolon":                     {"a;b=1", "", "", args{"a;b": "1"}},
		"body wins":                     {"a=1&b=2", "application/json", `{"a":3,"c":{"d":[null]}}`, args{"a": 3.0, "b": "2", "c": args{"d": []any{nil}}}},
		"body wins over an escaped key": {"a=1", "application/json", `{"\u0061":3}`, args{"a": 3.0}},
		"last of a body wins":           {"", "application/json", `{"a":1,"a":2}`, args{"a": 2.0}},
		"charset of JSON":               {"", "application/json; charset=utf-8", `{"a":1}`, args{"a": 1.0}},
		"family of JSON":                {"", "application/hal+json", `{"a":1}`, args{"a": 1.0}},
		"no bytes of JSON":              {"a=1", "application/json", ``, args{"a": "1"}},
		"empty object":                  {"", "application/json", ` { } `, args{}},
		"empty array":                   {"", "application/json", `[]`, args{"__ow_body": []any{}}},
		"null":                          {"", "application/json", `null`, args{"__ow_body": nil}},
		"scalar":                        {"", "application/json", ` "x" `, args{"__ow_body": "x"}},
		"bytes in JSON":                 {"", "application/json", "{\"a\":\"\xff\"}", args{"a": "\ufffd"}},
		"form":                          {"a=1&c=4", form, "a=2&a=3&b=%C3%A9", args{"a": "3", "b": "é", "c": "4"}},
		"form with charset":             {"", form + "; charset=UTF-8", "a=2", args{"a": "2"}},
		"no bytes of a form":            {"", form, "", args{}},
		"text":                          {"a=1", "text/plain", "key=value", args{"a": "1", "__ow_body": "key=value"}},
		"text with charset":             {"", "Text/Plain; Charset=x", "é\"", args{"__ow_body": "é\""}},
		"no bytes of text":              {"", "text/plain", "", args{"__ow_body": ""}},
		"bytes in text":                 {"", "text/plain", "a\xff", args{"__ow_body": "a\ufffd"}},
		"XML":                           {"", "application/xml", "<a/>", args{"__ow_body": "<a/>"}},
		"unknown type":                  {"", "application/x-mine", "a", args{"__ow_body": "YQ=="}},
		"unknown type of text":          {"", "text/x-mine", "a", args{"__ow_body": "YQ=="}},
		"unknown type with charset":     {"", "application/x-mine; charset=utf-8", "a", args{"__ow_body": "a"}},
		"binary type with charset":      {"", "application/octet-stream; charset=utf-8", "a", args{"__ow_body": "YQ=="}},
		"picture":                       {"", "image/png", "\x89PNG", args{"__ow_body": "iVBORw=="}},
		"multipart":                     {"", "multipart/form-data; boundary=b", "--b--", args{"__ow_body": "LS1iLS0="}},
		"no type":                       {"", "", "a", args{"__ow_body": "YQ=="}},
		"type that cannot be read":      {"", "nonsense", "a", args{"__ow_body": "YQ=="}},
	} {
		t.Run(name, func(t *testing.T) {
			r := webaction.Request{Method: "POST", Header: header(row.contentType), Query: row.query, Body: []byte(row.body)}
			got, err := r.Arguments(nothing)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.want, members(t, got)); diff != "" {
				t.Errorf("got %s\n%s", got, diff)
			}
		})
	}
}

func TestBodiesThatCannotBeReadAreRefused(t *testing.T) {
	for name, row := range map[string]struct{ contentType, body string }{
		"half an object": {"application/json", `{"a":`}, "no JSON": {"application/json", `x`}, "two values": {"application/json", `{}{}`},
		"white space": {"application/json", "  "}, "family": {"application/hal+json", "{"}, "form": {"application/x-www-form-urlencoded", "a=%zz"},
	} {
		r := webaction.Request{Method: "POST", Header: header(row.contentType), Body: []byte(row.body)}
		_, err := r.Arguments(nothing)
		e, ok := errors.AsType[*webaction.Error](err)
		if !ok || e.Status != 400 || !e.Rejected || !strings.HasPrefix(e.Message, "The request content was malformed:\n") {
			t.Errorf("%s: got %#v", name, err)
		}
	}
}

func TestReservedAndFixedNamesAreRefused(t *testing.T) {
	fixed := func(key string) bool { return key == "fixed" }
	const form = "application/x-www-form-urlencoded"
	for _, key := range []string{"fixed", "__ow_method", "__ow_headers", "__ow_path", "__ow_user", "__ow_query", "__ow_body"} {
		for name, r := range map[string]webaction.Request{
			"query":              {Header: header(""), Query: key + "=1"},
			"escaped query":      {Header: header(""), Query: "%" + hex(key[0]) + key[1:]},
			"body":               {Header: header("application/json"), Body: []byte(`{"` + key + `":null}`)},
			"escaped body":       {Header: header("application/json"), Body: []byte(`{"\u00` + hex(key[0]) + key[1:] + `":1}`)},
			"form":               {Header: header(form), Body: []byte(key)},
			"query, body object": {Header: header("application/json"), Query: key, Body: []byte(`{"` + key + `":1}`)},
		} {
			if _, err := r.Arguments(fixed); !errors.Is(err, webaction.ErrReserved) {
				t.Errorf("%s in %s: got %v", key, name, err)
			}
		}
	}
	r := webaction.Request{Header: header("application/json"), Query: "__ow_more=1", Body: []byte(`{"a":{"fixed":1}}`)}
	if _, err := r.Arguments(fixed); err != nil {
		t.Errorf("names that are nobody's: %v", err)
	}
}

func hex(c byte) string { return string("0123456789abcdef"[c>>4]) + string("0123456789abcdef"[c&15]) }

func TestRawActionsGetQueryAndBodyAsTheyCame(t *testing.T) {
	type args = map[string]any
	for name, row := range map[string]struct {
		query, contentType, body string
		want                     args
	}{
		"nothing":       {"", "", "", args{"__ow_query": "", "__ow_body": ""}},
		"query":         {"a=1&a=2&b&c=&__ow_user=x", "", "", args{"__ow_query": "a=1&a=2&b&c=&__ow_user=x", "__ow_body": ""}},
		"normal query":  {"a=x%20y%c3%a9&b=1+2&c=%2b%26%3d&d=a/b?c", "", "", args{"__ow_query": "a=x+y%C3%A9&b=1+2&c=%2B%26%3D&d=a/b?c", "__ow_body": ""}},
		"JSON":          {"", "application/json", `{"a":1}`, args{"__ow_query": "", "__ow_body": "eyJhIjoxfQ=="}},
		"no JSON":       {"", "application/json", `{`, args{"__ow_query": "", "__ow_body": "ew=="}},
		"patch":         {"", "application/merge-patch+json", `{}`, args{"__ow_query": "", "__ow_body": "{}"}},
		"other family":  {"", "application/hal+json", `{}`, args{"__ow_query": "", "__ow_body": "e30="}},
		"form":          {"", "application/x-www-form-urlencoded", `a=1&fixed=2`, args{"__ow_query": "", "__ow_body": "a=1&fixed=2"}},
		"text":          {"", "text/plain", "é", args{"__ow_query": "", "__ow_body": "é"}},
		"picture":       {"", "image/png", "\x89PNG", args{"__ow_query": "", "__ow_body": "iVBORw=="}},
		"no type":       {"", "", "a", args{"__ow_query": "", "__ow_body": "YQ=="}},
		"empty picture": {"", "image/png", "", args{"__ow_query": "", "__ow_body": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			r := webaction.Request{Method: "PUT", Header: header(row.contentType), Query: row.query, Body: []byte(row.body)}
			if diff := cmp.Diff(row.want, members(t, r.RawArguments())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestExactlyOneExtensionIsTakenOff(t *testing.T) {
	for segment, want := range map[string]struct {
		name string
		ext  webaction.Extension
	}{
		"a": {"a", webaction.HTTP}, "a.http": {"a", webaction.HTTP}, "a.json": {"a", webaction.JSON}, "a.html": {"a", webaction.HTML},
		"a.svg": {"a", webaction.SVG}, "a.text": {"a", webaction.Text}, "a.json.http": {"a.json", webaction.HTTP},
		"a.xml": {"a.xml", webaction.HTTP}, "a.JSON": {"a.JSON", webaction.HTTP}, ".json": {"", webaction.JSON}, "json": {"json", webaction.HTTP},
	} {
		if name, ext := webaction.SplitExtension(segment); name != want.name || ext != want.ext {
			t.Errorf("%s: got %q %s", segment, name, ext)
		}
	}
}
