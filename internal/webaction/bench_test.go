package webaction_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/gowhisk/gowhisk/internal/webaction"
)

func BenchmarkArguments(b *testing.B) {
	r := webaction.Request{
		Method: "POST", Query: "a=1&b=2", Body: []byte(`{"name":"World"}`),
		Header: http.Header{"Content-Type": {"application/json"}, "Host": {"api.example"}, "User-Agent": {"bench"}, "Accept": {"*/*"}},
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Arguments(nothing); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	result := json.RawMessage(`{"headers":{"Set-Cookie":["a=1","b=2"],"Content-Type":"text/html"},"statusCode":200,"body":"<h1>Hello</h1>"}`)
	for _, e := range []webaction.Extension{webaction.HTTP, webaction.JSON} {
		b.Run(string(e), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := webaction.Encode(e, result); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
