package entity_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
)

func BenchmarkActivationMarshalJSON(b *testing.B) {
	a := sampleActivation()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := json.Marshal(a); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkActivationAppendJSON(b *testing.B) {
	a := sampleActivation()
	buf := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		buf = a.AppendJSON(buf[:0])
	}
}

// sampleActivation is a record of the usual size.
func sampleActivation() *entity.Activation {
	start := time.UnixMilli(1763600000000)
	return &entity.Activation{
		Namespace: "guest", Name: "hello", Version: entity.Version{Patch: 7}, Subject: "guest",
		ID: "0191e0b1a2b37c4d8e5f60718293a4b5", Start: start, End: start.Add(42 * time.Millisecond), Duration: 42 * time.Millisecond,
		Response: entity.Response{Result: []byte(`{"greeting":"` + strings.Repeat("hello ", 20) + `"}`), Size: 135},
		Logs:     []string{"2016-02-11T16:46:56.842065025Z stdout: hello", "2016-02-11T16:46:56.842065025Z stderr: a \"quoted\" line"},
		Annotations: entity.Parameters{
			{Key: "path", Value: []byte(`"guest/hello"`)}, {Key: "waitTime", Value: []byte(`3`)}, {Key: "kind", Value: []byte(`"nodejs:20"`)},
			{Key: "timeout", Value: []byte(`false`)}, {Key: "limits", Value: []byte(`{"concurrency":1,"logs":10,"memory":256,"timeout":60000}`)},
		},
	}
}
