package controller_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// discard is a response writer that keeps nothing but its header.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) WriteHeader(int)             {}
func (d discard) Write(b []byte) (int, error) { return len(b), nil }

func benchmarkInvoke(b *testing.B, query, payload string) {
	a := newAPI(b, func(a *api) { a.quiet = true })
	a.put(b, "hello", hello)
	r := scenario{Method: "POST", URL: ns + "actions/hello" + query, Body: payload}.request()
	body := strings.NewReader(payload)
	r.Body = io.NopCloser(body)
	w := discard{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		body.Reset(payload)
		clear(w.header)
		a.ServeHTTP(w, r)
	}
	if w.header.Get("X-Openwhisk-Activation-Id") == "" {
		b.Fatal("not invoked")
	}
}

func BenchmarkInvokeBlocking(b *testing.B) {
	benchmarkInvoke(b, "?blocking=true", `{"name":"world","place":"here"}`)
}

func BenchmarkInvokeResult(b *testing.B) {
	benchmarkInvoke(b, "?blocking=true&result=true", `{"name":"world","place":"here"}`)
}

func BenchmarkInvokeResult1MB(b *testing.B) {
	benchmarkInvoke(b, "?blocking=true", `{"a":"`+strings.Repeat("x", 1<<20-8)+`"}`)
}

func BenchmarkInvokeNonBlocking(b *testing.B) { benchmarkInvoke(b, "", `{"name":"world"}`) }

func BenchmarkWebAction(b *testing.B) {
	const payload = `{"name":"world","place":"here"}`
	a := newAPI(b, func(a *api) { a.quiet = true })
	a.put(b, "hello", annotated())
	r := scenario{Method: "POST", URL: web + "hello.json", Body: payload, Headers: visitor()}.request()
	body := strings.NewReader(payload)
	r.Body = io.NopCloser(body)
	w := discard{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		body.Reset(payload)
		clear(w.header)
		a.ServeHTTP(w, r)
	}
	if w.header.Get("X-Openwhisk-Activation-Id") == "" {
		b.Fatal("not invoked")
	}
}

func BenchmarkGetAction(b *testing.B) {
	a := newAPI(b, func(a *api) { a.quiet = true })
	a.put(b, "hello", hello)
	r := scenario{Method: "GET", URL: ns + "actions/hello?code=false"}.request()
	b.ReportAllocs()
	for b.Loop() {
		if w := serve(a, r); w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
}
