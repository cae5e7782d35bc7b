package cloudevent_test

import (
	"bytes"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/cloudevent"
)

func header(lines ...string) http.Header {
	h := http.Header{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		h.Set(name, value)
	}
	return h
}

func TestHeadersTellTheMode(t *testing.T) {
	for _, row := range []struct {
		header http.Header
		want   cloudevent.Mode
	}{
		{header(), cloudevent.None},
		{header("Content-Type: application/json"), cloudevent.None},
		{header("Content-Type: application/json", "ce-specversion: 1.0"), cloudevent.Binary},
		{header("Content-Type: application/cloudevents+json; charset=utf-8"), cloudevent.Structured},
		{header("Content-Type: application/cloudevents-batch+json"), cloudevent.Batch},
		{header("Content-Type: ;;"), cloudevent.None},
	} {
		if got := cloudevent.ModeOf(row.header); got != row.want {
			t.Errorf("%v: got %v, want %v", row.header, got, row.want)
		}
	}
}

func TestBinaryEventIsRead(t *testing.T) {
	h := header("ce-specversion: 1.0", "ce-id: 1", "ce-source: /s", "ce-type: t", "ce-subject: Euro%20%E2%82%AC %x", "Content-Type: text/plain", "Other: x")
	e, err := cloudevent.Read(cloudevent.Binary, h, []byte("data"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "subject": "Euro%20%E2%82%AC %x", "datacontenttype": "text/plain"}
	if !maps.Equal(e.Attributes, want) || string(e.Data) != "data" || e.HasJSON() || !e.HasText() {
		t.Errorf("got %v %s", e.Attributes, e.Data)
	}
}

const attributes = `"specversion":"1.0","id":"1","source":"/s","type":"t"`

func TestStructuredEventIsRead(t *testing.T) {
	for members, want := range map[string]string{
		``:                ``,
		`,"data":null`:    ``,
		`,"data":{"a":1}`: `{"a":1}`,
		`,"data":"text"`:  `"text"`,
		`,"datacontenttype":"text/plain","data":"text"`:       `text`,
		`,"datacontenttype":"image/png","data_base64":"AP8="`: "\x00\xff",
		`,"n":1,"b":true,"none":null`:                         ``,
	} {
		e, err := cloudevent.Read(cloudevent.Structured, nil, []byte("{"+attributes+members+"}"))
		if err != nil || string(e.Data) != want {
			t.Errorf("%s: got %q, %v", members, e.Data, err)
		}
	}
}

func TestMalformedEventsAreRefusedWithAReason(t *testing.T) {
	for text, want := range map[string]string{
		`[]`:      "no JSON object",
		`{`:       "no JSON object",
		`{"a":1}`: "the event has no specversion",
		`{"specversion":"0.3","id":"1","source":"/s","type":"t"}`: `version "0.3" of CloudEvents is not known`,
		`{"specversion":"1.0","id":"","source":"/s","type":"t"}`:  "the event has no id",
		`{` + attributes + `,"x":{}}`:                             `attribute "x" is neither`,
		`{` + attributes + `,"x y":"z"}`:                          `attribute "x y"`,
		`{` + attributes + `,"data":1,"data_base64":"eA=="}`:      "data and data_base64",
		`{` + attributes + `,"data_base64":"!"}`:                  "data_base64",
	} {
		if _, err := cloudevent.Read(cloudevent.Structured, nil, []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
	h := header("ce-specversion: 1.0", "ce-id: 1", "ce-source: /s", "ce-type: t", "Content-Type: application/json")
	if _, err := cloudevent.Read(cloudevent.Binary, h, []byte(`{`)); err == nil || !strings.Contains(err.Error(), "not the JSON") {
		t.Errorf("got %v", err)
	}
	if _, err := cloudevent.Read(cloudevent.Batch, nil, nil); err == nil {
		t.Error("a batch was read")
	}
}

// same reports whether an event survives both ways of writing it.
func same(t *testing.T, e cloudevent.Event) {
	t.Helper()
	for _, mode := range []cloudevent.Mode{cloudevent.Binary, cloudevent.Structured} {
		h, body := e.Write(mode)
		if got := cloudevent.ModeOf(h); got != mode {
			t.Errorf("mode %v was written as %v", mode, got)
		}
		back, err := cloudevent.Read(mode, h, body)
		if err != nil {
			t.Errorf("mode %v: %v", mode, err)
			continue
		}
		if back.Attributes["datacontenttype"] == "application/json" && e.Attributes["datacontenttype"] == "" {
			delete(back.Attributes, "datacontenttype")
		}
		if !maps.Equal(back.Attributes, e.Attributes) || !bytes.Equal(bytes.TrimSpace(back.Data), bytes.TrimSpace(e.Data)) {
			t.Errorf("mode %v: got %v %q, want %v %q", mode, back.Attributes, back.Data, e.Attributes, e.Data)
		}
	}
}

func TestEventsSurviveBothModes(t *testing.T) {
	for _, members := range []string{``, `,"subject":"Euro € \"q\" 100%","data":{"a":[1]}`, `,"datacontenttype":"text/plain","data":"ü"`, `,"datacontenttype":"image/png","data_base64":"AP8="`} {
		e, err := cloudevent.Read(cloudevent.Structured, nil, []byte("{"+attributes+members+"}"))
		if err != nil {
			t.Fatal(err)
		}
		same(t, e)
	}
}

func FuzzStructured(f *testing.F) {
	f.Add([]byte("{" + attributes + `,"data":{"a":1}}`))
	f.Add([]byte("{" + attributes + `,"datacontenttype":"text/plain","data":"x"}`))
	f.Add([]byte("{" + attributes + `,"x":true,"data_base64":"AP8="}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := cloudevent.Read(cloudevent.Structured, nil, text)
		if err != nil {
			return
		}
		h, body := e.Write(cloudevent.Structured)
		if _, err := cloudevent.Read(cloudevent.ModeOf(h), h, body); err != nil {
			t.Errorf("%q was written as %q: %v", text, body, err)
		}
		h, _ = e.Write(cloudevent.Binary)
		for name, values := range h {
			for _, c := range values[0] {
				if name != "Content-Type" && (c <= ' ' || c >= 0x7f) {
					t.Errorf("%s: %q", name, values[0])
				}
			}
		}
	})
}
