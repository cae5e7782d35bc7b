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

const notHTTP = "Response is not valid 'message/http'."

// encoded is what a row expects: a response, or the message of an error.
type encoded struct {
	status      int
	contentType string
	body        string
	header      http.Header // beside Content-Type
	message     string
}

func check(t *testing.T, want encoded, got webaction.Response, err error) {
	t.Helper()
	if want.message != "" {
		e, ok := errors.AsType[*webaction.Error](err)
		if !ok || e.Message != want.message || e.Status != want.status || e.Rejected {
			t.Errorf("got %+v, %#v", got, err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	h := got.Header.Clone()
	contentType := h.Get("Content-Type")
	h.Del("Content-Type")
	if want.header == nil {
		want.header = http.Header{}
	}
	if got.Status != want.status || contentType != want.contentType || string(got.Body) != want.body {
		t.Errorf("got %d %q %q", got.Status, contentType, got.Body)
	}
	if diff := cmp.Diff(want.header, h); diff != "" {
		t.Error(diff)
	}
}

func TestHTTPResultsNameStatusHeadersAndBody(t *testing.T) {
	const html, plain, js = "text/html; charset=UTF-8", "text/plain; charset=UTF-8", "application/json"
	mismatch := encoded{status: 400, message: "Response type in header did not match generated content type."}
	unknown := encoded{status: 400, message: "Response did not specify a known content-type."}
	invalid := encoded{status: 400, message: notHTTP}
	for name, row := range map[string]struct {
		result string
		want   encoded
	}{
		"nothing":             {`{}`, encoded{status: 204}},
		"other members":       {`{"a":1,"Body":"x"}`, encoded{status: 204}},
		"null body":           {`{"body":null,"statusCode":201}`, encoded{status: 201}},
		"empty body":          {`{"body":"","headers":{"content-type":"text/html","a":"b"}}`, encoded{status: 204, header: http.Header{"A": {"b"}}}},
		"string":              {`{"body":"<b>é</b>"}`, encoded{status: 200, contentType: html, body: "<b>é</b>"}},
		"JSON in a string":    {`{"body":"{\"a\":1}"}`, encoded{status: 200, contentType: html, body: `{"a":1}`}},
		"object":              {`{"body":{"a":[1]}}`, encoded{status: 200, contentType: js, body: "{\n  \"a\": [\n    1\n  ]\n}"}},
		"number":              {`{"body":3}`, encoded{status: 200, contentType: js, body: "3"}},
		"false":               {`{"body":false}`, encoded{status: 200, contentType: js, body: "false"}},
		"redirect":            {`{"headers":{"location":"http://x/"},"statusCode":302}`, encoded{status: 302, header: http.Header{"Location": {"http://x/"}}}},
		"status as string":    {`{"statusCode":"404","body":"gone"}`, encoded{status: 404, contentType: html, body: "gone"}},
		"unregistered status": {`{"statusCode":444}`, encoded{status: 444}},
		"whole number":        {`{"statusCode":2.01e2}`, encoded{status: 201}},
		"status without body": {`{"statusCode":304,"body":"x"}`, encoded{status: 304}},
		"no content":          {`{"statusCode":204,"body":{"a":1}}`, encoded{status: 204}},
		"fraction":            {`{"statusCode":200.5}`, invalid},
		"informational":       {`{"statusCode":101}`, invalid},
		"small status":        {`{"statusCode":99}`, invalid},
		"large status":        {`{"statusCode":600}`, invalid},
		"null status":         {`{"statusCode":null}`, invalid},
		"word as status":      {`{"statusCode":"ok"}`, invalid},
		"object as status":    {`{"statusCode":{}}`, invalid},
		"array":               {`[1]`, invalid},
		"string result":       {`"x"`, invalid},
		"no result":           {``, invalid},
		"null headers":        {`{"headers":null}`, invalid},
		"array of headers":    {`{"headers":[]}`, invalid},
		"object as header":    {`{"headers":{"a":{}}}`, invalid},
		"null as header":      {`{"headers":{"a":null}}`, invalid},
		"object in header":    {`{"headers":{"a":[1,{}]}}`, invalid},
		"kinds of values": {
			`{"headers":{"Set-Cookie":["a=1; Path=/","b=2"],"n":1.50,"t":true,"deep":[["x"],[[2]]],"none":[]}}`,
			encoded{status: 204, header: http.Header{"Set-Cookie": {"a=1; Path=/", "b=2"}, "N": {"1.50"}, "T": {"true"}, "Deep": {"x", "2"}}},
		},
		"a name in two cases":  {`{"headers":{"x-a":"2","X-A":"1"}}`, encoded{status: 204, header: http.Header{"X-A": {"1", "2"}}}},
		"split response":       {`{"headers":{"a":"x\r\nSet-Cookie: b=1"}}`, invalid},
		"split in an array":    {`{"headers":{"a":["x","y\n"]}}`, invalid},
		"zero byte":            {`{"headers":{"a":"\u0000"}}`, invalid},
		"split name":           {`{"headers":{"a\r\nb":"x"}}`, invalid},
		"blank name":           {`{"headers":{"a b":"x"}}`, invalid},
		"empty name":           {`{"headers":{"":"x"}}`, invalid},
		"name with colon":      {`{"headers":{"Trailer:X":"x"}}`, invalid},
		"framing":              {`{"headers":{"Content-Length":5,"transfer-encoding":"chunked","Connection":"close","Upgrade":"h2c"},"body":"x"}`, encoded{status: 200, contentType: html, body: "x"}},
		"text":                 {`{"headers":{"content-type":"text/plain"},"body":"x"}`, encoded{status: 200, contentType: plain, body: "x"}},
		"text with charset":    {`{"headers":{"Content-Type":"text/plain; charset=utf-8"},"body":"x"}`, encoded{status: 200, contentType: "text/plain; charset=utf-8", body: "x"}},
		"Latin text":           {`{"headers":{"Content-Type":"text/plain; charset=ISO-8859-1"},"body":"é€"}`, encoded{status: 200, contentType: "text/plain; charset=ISO-8859-1", body: "\xe9?"}},
		"other charset":        {`{"headers":{"Content-Type":"text/plain; charset=koi8-r"},"body":"é"}`, encoded{status: 200, contentType: "text/plain; charset=UTF-8", body: "é"}},
		"events":               {`{"headers":{"Content-Type":"text/event-stream"},"body":"data: x\n\n"}`, encoded{status: 200, contentType: "text/event-stream", body: "data: x\n\n"}},
		"script":               {`{"headers":{"Content-Type":"application/javascript"},"body":"abcd"}`, encoded{status: 200, contentType: "application/javascript; charset=UTF-8", body: "abcd"}},
		"unregistered text":    {`{"headers":{"Content-Type":"text/javascript"},"body":"abcd"}`, encoded{status: 200, contentType: "text/javascript; charset=UTF-8", body: "abcd"}},
		"charset makes text":   {`{"headers":{"Content-Type":"application/x-mine; charset=utf-8"},"body":"abcd"}`, encoded{status: 200, contentType: "application/x-mine; charset=utf-8", body: "abcd"}},
		"picture":              {`{"headers":{"content-type":"image/png"},"body":"iVBORw=="}`, encoded{status: 200, contentType: "image/png", body: "\x89PNG"}},
		"picture, no padding":  {`{"headers":{"content-type":"image/png"},"body":"iVBORw"}`, encoded{status: 200, contentType: "image/png", body: "\x89PNG"}},
		"no picture":           {`{"headers":{"content-type":"image/png"},"body":"<html>"}`, mismatch},
		"unregistered type":    {`{"headers":{"content-type":"application/x-mine"},"body":"YWJj"}`, encoded{status: 200, contentType: "application/x-mine", body: "abc"}},
		"drawing as base64":    {`{"headers":{"content-type":"image/svg+xml"},"body":"PHN2Zy8+"}`, encoded{status: 200, contentType: "image/svg+xml", body: "<svg/>"}},
		"drawing as text":      {`{"headers":{"content-type":"image/svg+xml"},"body":"<svg/>"}`, encoded{status: 200, contentType: "image/svg+xml", body: "<svg/>"}},
		"JSON text":            {`{"headers":{"content-type":"application/json"},"body":"{\"a\":1}"}`, encoded{status: 200, contentType: js, body: `{"a":1}`}},
		"no JSON in a string":  {`{"headers":{"content-type":"application/json; charset=utf-8"},"body":"hello!"}`, encoded{status: 200, contentType: js, body: `hello!`}},
		"JSON in base64":       {`{"headers":{"content-type":"application/json"},"body":"eyJhIjoxfQ=="}`, encoded{status: 200, contentType: js, body: `{"a":1}`}},
		"family, string":       {`{"headers":{"content-type":"application/hal+json"},"body":"{\"a\":1}"}`, encoded{status: 200, contentType: "application/hal+json", body: `{"a":1}`}},
		"family, object":       {`{"headers":{"content-type":"application/problem+json"},"body":{}}`, encoded{status: 200, contentType: "application/problem+json", body: `{}`}},
		"JSON, object":         {`{"headers":{"content-type":"application/json; charset=utf-8"},"body":[]}`, encoded{status: 200, contentType: js, body: `[]`}},
		"object as HTML":       {`{"headers":{"content-type":"text/html"},"body":{}}`, mismatch},
		"object as nonsense":   {`{"headers":{"content-type":"xyz"},"body":{}}`, mismatch},
		"string as nonsense":   {`{"headers":{"content-type":"xyz"},"body":"a"}`, unknown},
		"string as half":       {`{"headers":{"content-type":"text/"},"body":"a"}`, unknown},
		"string as many":       {`{"headers":{"content-type":["text/plain","image/png"]},"body":"a"}`, encoded{status: 200, contentType: plain, body: "a"}},
		"nonsense, no body":    {`{"headers":{"content-type":"xyz"}}`, encoded{status: 204}},
		"number as its type":   {`{"headers":{"content-type":1},"body":"a"}`, unknown},
		"last of equal bodies": {`{"body":"a","body":"b"}`, encoded{status: 200, contentType: html, body: "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := webaction.Encode(webaction.HTTP, json.RawMessage(row.result))
			check(t, row.want, got, err)
		})
	}
}

func TestOtherExtensionsShowTheResultOrAMember(t *testing.T) {
	const plain = "text/plain; charset=UTF-8"
	const notHTML, notSVG, notJSON = "Response is not valid 'text/html'.", "Response is not valid 'image/svg+xml'.", "Response is not valid 'application/json'."
	html := func(body string) encoded {
		return encoded{status: 200, contentType: "text/html; charset=UTF-8", body: body}
	}
	text := func(body string) encoded { return encoded{status: 200, contentType: plain, body: body} }
	missing := encoded{status: 404, message: "Response does not include requested property."}
	for _, row := range []struct {
		ext    webaction.Extension
		result string
		want   encoded
	}{
		{".json", `{"a":{"b":"<"}}`, encoded{status: 200, contentType: "application/json", body: "{\n  \"a\": {\n    \"b\": \"<\"\n  }\n}"}},
		{".json", ` {"statusCode":404,"headers":{"a":"b"}} `, encoded{status: 200, contentType: "application/json", body: "{\n  \"statusCode\": 404,\n  \"headers\": {\n    \"a\": \"b\"\n  }\n}"}},
		{".json", `[1,2]`, encoded{status: 200, contentType: "application/json", body: "[\n  1,\n  2\n]"}},
		{".json", `{}`, encoded{status: 200, contentType: "application/json", body: "{}"}},
		{".json", `"x"`, encoded{status: 400, message: notJSON}},
		{".json", `{`, encoded{status: 400, message: notJSON}},
		{".html", `{"html":"a"}`, html("a")},
		{".html", `{"html":"a","body":"b"}`, html("b")},
		{".html", `{"html":"a","body":null}`, encoded{status: 400, message: notHTML}},
		{".html", `{"text":"a"}`, encoded{status: 400, message: notHTML}},
		{".html", `{"html":1}`, encoded{status: 400, message: notHTML}},
		{".html", `[1]`, encoded{status: 400, message: notHTML}},
		{".html", `{"html":"a","statusCode":404,"headers":{"a":"b"}}`, html("a")},
		{".svg", `{"svg":"<svg/>"}`, encoded{status: 200, contentType: "image/svg+xml", body: "<svg/>"}},
		{".svg", `{"html":"a"}`, encoded{status: 400, message: notSVG}},
		{".text", `{"text":"a\"b"}`, text(`a"b`)},
		{".text", `{"text":"a","body":"b"}`, text("b")},
		{".text", `{"text":{"a":1}}`, text("{\n  \"a\": 1\n}")},
		{".text", `{"text":[1]}`, text("[\n  1\n]")},
		{".text", `{"text":1.50}`, text("1.50")},
		{".text", `{"text":false}`, text("false")},
		{".text", `{"text":null}`, text("null")},
		{".text", `{"html":"a"}`, missing},
		{".text", `[1]`, text("[\n  1\n]")},
		{".text", ``, missing},
	} {
		t.Run(string(row.ext)+row.result, func(t *testing.T) {
			got, err := webaction.Encode(row.ext, json.RawMessage(row.result))
			check(t, row.want, got, err)
		})
	}
}

func TestWhatAnErrorSaysTakesThePlaceOfTheResult(t *testing.T) {
	for _, row := range []struct {
		ext    webaction.Extension
		result string
		want   encoded
	}{
		{".http", `{"error":{"statusCode":404,"headers":{"a":"b"},"body":"gone"}}`, encoded{status: 404, contentType: "text/html; charset=UTF-8", body: "gone", header: http.Header{"A": {"b"}}}},
		{".http", `{"error":{"message":"x"}}`, encoded{status: 204}},
		{".http", `{"error":"x"}`, encoded{status: 400, message: notHTTP}},
		{".json", `{"error":{"a":1}}`, encoded{status: 200, contentType: "application/json", body: "{\n  \"a\": 1\n}"}},
		{".json", `{"error":"x"}`, encoded{status: 400, message: "Response is not valid 'application/json'."}},
		{".text", `{"error":"x"}`, encoded{status: 200, contentType: "text/plain; charset=UTF-8", body: "x"}},
		{".text", `{"error":{"message":"x"}}`, encoded{status: 404, message: "Response does not include requested property."}},
		{".html", `{"error":"<x>"}`, encoded{status: 200, contentType: "text/html; charset=UTF-8", body: "<x>"}},
		{".svg", `{"error":"<x>"}`, encoded{status: 200, contentType: "image/svg+xml", body: "<x>"}},
		{".json", `{}`, encoded{status: 404, message: "Response does not include requested property."}},
	} {
		t.Run(string(row.ext)+row.result, func(t *testing.T) {
			got, err := webaction.EncodeFailure(row.ext, json.RawMessage(row.result))
			check(t, row.want, got, err)
		})
	}
}

func TestErrorsOfWebActionsAreIndentedAndRejectionsAreNot(t *testing.T) {
	if got := string(webaction.ErrFailed.Body(`a"b`)); got != "{\n  \"error\": \"There was an error processing your request.\",\n  \"code\": \"a\\\"b\"\n}" {
		t.Error(got)
	}
	if got := string(webaction.NotAcceptable("text/html").Body("c")); got != `{"error":"Resource representation is only available with these types:\ntext/html","code":"c"}` {
		t.Error(got)
	}
	if got := string(webaction.ErrorBody("<no>\n", "c")); got != "{\n  \"error\": \"<no>\\n\",\n  \"code\": \"c\"\n}" {
		t.Error(got)
	}
}

func TestNestingOfAHeaderCostsNoMoreThanItsLength(t *testing.T) {
	const depth = 9_000
	value := strings.Repeat("[", depth) + `"` + strings.Repeat("x", 1<<20) + `"` + strings.Repeat("]", depth)
	for _, headers := range []string{`{"a":` + value + `}`, `{"a":[` + value + `,1]}`} {
		got, err := webaction.Encode(webaction.HTTP, json.RawMessage(`{"headers":`+headers+`}`))
		if err != nil || len(got.Header.Get("A")) != 1<<20 {
			t.Errorf("got %d bytes, %v", len(got.Header.Get("A")), err)
		}
	}
}

func TestDeepResultsAreNotBlownUp(t *testing.T) {
	deep := func(depth, elements int) string {
		return strings.Repeat("[", depth) + `"a\"]"` + strings.Repeat(",0", elements) + strings.Repeat("]", depth)
	}
	for _, row := range []struct {
		result   string
		indented bool
	}{
		{deep(3, 1000), true}, {deep(100, 0), true}, {deep(9_000, 0), false}, {deep(100, 10_000), false}, {deep(9_000, 100_000), false},
	} {
		got, err := webaction.Encode(webaction.JSON, json.RawMessage(row.result))
		if err != nil || (string(got.Body) != row.result) != row.indented || len(got.Body) > 3*len(row.result)+64<<10 {
			t.Errorf("%.10s… of %d bytes became %.10q… of %d, %v", row.result, len(row.result), got.Body, len(got.Body), err)
		}
	}
	if _, err := webaction.Encode(webaction.JSON, json.RawMessage(deep(9_000, 10)+"]")); err == nil {
		t.Error("half a result was sent")
	}
}
