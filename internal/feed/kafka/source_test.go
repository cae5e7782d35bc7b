package kafka_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gowhisk/gowhisk/internal/feed/kafka"
)

func TestParametersOfTheFeed(t *testing.T) {
	for _, row := range []struct{ params, want string }{
		{`{}`, "'brokers'"},
		{`{"brokers":[]}`, "'brokers'"},
		{`{"brokers":3}`, "array of strings"},
		{`{"brokers":["a"]}`, "'a' is not 'host:port'"},
		{`{"brokers":["a:0"]}`, "'a:0' is not 'host:port'"},
		{`{"brokers":[":1"]}`, "':1' is not 'host:port'"},
		{`{"brokers":["a:1"]}`, "'topic'"},
		{`{"brokers":["a:1"],"topic":"a b"}`, "'a b' is not the name of a topic"},
		{`{"brokers":["a:1"],"topic":".."}`, "'..' is not"},
		{`{"brokers":["a:1"],"topic":"` + strings.Repeat("x", 250) + `"}`, "is not the name"},
		{`{"brokers":["a:1"],"topic":"t","user":"u"}`, "'password'"},
		{`{"brokers":["a:1"],"topic":"t","isJSONData":"yes"}`, "'isJSONData' must be a bool"},
		{`{"brokers":["a:1"],"topic":"t","isJSONData":true,"isBinaryValue":true}`, "both"},
		{`{"brokers":["a:1"],"topic":"t","other":{}}`, ""},
		{`{"brokers":"a:1, [::1]:2","topic":"t"}`, ""},
	} {
		_, err := kafka.ParseSource(json.RawMessage(row.params))
		if row.want == "" && err != nil || row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)) {
			t.Errorf("%s: got %v, want %q", row.params, err, row.want)
		}
	}
	s, err := kafka.ParseSource(json.RawMessage(`{"brokers":"a:1, [::1]:2","topic":"t","isBinaryKey":true}`))
	want := kafka.Source{Cluster: kafka.Cluster{Brokers: kafka.Brokers{"a:1", "[::1]:2"}}, Topic: "t", BinaryKey: true}
	if diff := cmp.Diff(want, s); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
}

func TestParametersOfProduceAreChecked(t *testing.T) {
	for _, row := range []struct{ params, want string }{
		{`{"brokers":["a:1"],"topic":"t"}`, "'value'"},
		{`{"brokers":["a:1"],"value":"v"}`, "'topic'"},
		{`{"brokers":["a:1"],"topic":"t","value":"%","base64DecodeValue":true}`, "value parameter is not base64"},
		{`{"brokers":["a:1"],"topic":"t","value":"v","key":"%","base64DecodeKey":true}`, "key parameter is not base64"},
	} {
		if _, _, err := kafka.Produce(t.Context(), json.RawMessage(row.params), anywhere); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v, want %q", row.params, err, row.want)
		}
	}
}

func FuzzParseSource(f *testing.F) {
	f.Add([]byte(`{"brokers":["a:1"],"topic":"t"}`))
	f.Add([]byte(`{"brokers":"a:1,b:2","topic":"t","tls":true}`))
	f.Fuzz(func(t *testing.T, params []byte) {
		s, err := kafka.ParseSource(params)
		if err == nil && (len(s.Brokers) == 0 || s.Topic == "") {
			t.Errorf("%q was accepted as %+v", params, s)
		}
	})
}
