// Package cloudevent reads and writes CloudEvents 1.0 in their HTTP binding, in binary and in
// structured mode, with data as it stands on the wire. It knows nothing of actions.
package cloudevent

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// Mode is how an event travels.
type Mode int

// The modes. A batch is recognized and not read.
const (
	None       Mode = iota // not an event
	Binary                 // attributes are headers, the body is the data
	Structured             // the body is a JSON document of everything
	Batch
)

// The media types of the JSON format.
const (
	MediaType      = "application/cloudevents+json"
	BatchMediaType = "application/cloudevents-batch+json"
)

const (
	headerPrefix    = "Ce-"
	dataContentType = "datacontenttype"
	applicationJSON = "application/json"
)

// Event is one event.
type Event struct {
	// Attributes are by their names in lower case, extensions among them. specversion, id, source
	// and type are in every event.
	Attributes map[string]string
	// Data is the body of the event; nil for none.
	Data []byte
}

// ModeOf tells from the headers of a message whether it is an event.
func ModeOf(h http.Header) Mode {
	media, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	switch {
	case err == nil && media == MediaType:
		return Structured
	case err == nil && media == BatchMediaType:
		return Batch
	case h.Get(headerPrefix+"Specversion") != "":
		return Binary
	}
	return None
}

// Read reads an event of the mode, which ModeOf gave. An error says what is wrong with it.
func Read(mode Mode, h http.Header, body []byte) (Event, error) {
	var e Event
	var err error
	switch mode {
	case Binary:
		e, err = readBinary(h, body)
	case Structured:
		e, err = readStructured(body)
	default:
		return Event{}, fmt.Errorf("not a single event")
	}
	if err != nil {
		return Event{}, err
	}
	return e, e.check()
}

func readBinary(h http.Header, body []byte) (Event, error) {
	e := Event{Attributes: map[string]string{}}
	for name, values := range h {
		attribute, ok := strings.CutPrefix(name, headerPrefix)
		if !ok || len(values) == 0 {
			continue
		}
		value, err := url.PathUnescape(values[len(values)-1])
		if err != nil || !utf8.ValidString(value) {
			value = values[len(values)-1]
		}
		e.Attributes[strings.ToLower(attribute)] = strings.ToValidUTF8(value, "\ufffd")
	}
	if media := h.Get("Content-Type"); media != "" {
		e.Attributes[dataContentType] = media
	}
	if len(body) > 0 {
		e.Data = body
	}
	return e, nil
}

func readStructured(body []byte) (Event, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return Event{}, fmt.Errorf("the event is no JSON object: %w", err)
	}
	e := Event{Attributes: map[string]string{}}
	data, encoded := members["data"], members["data_base64"]
	delete(members, "data")
	delete(members, "data_base64")
	for name, raw := range members {
		text, ok := attributeText(raw)
		if !ok {
			return Event{}, fmt.Errorf("attribute %q is neither text nor number nor boolean", name)
		}
		if string(raw) != "null" {
			e.Attributes[strings.ToLower(name)] = text
		}
	}
	switch {
	case encoded != nil && data != nil:
		return Event{}, fmt.Errorf("the event has data and data_base64")
	case encoded != nil:
		if err := json.Unmarshal(encoded, &e.Data); err != nil {
			return Event{}, fmt.Errorf("data_base64: %w", err)
		}
	case data != nil && string(data) != "null":
		return e, e.setData(data)
	}
	return e, nil
}

// setData takes the member data: JSON, or text where the content type says so.
func (e *Event) setData(data json.RawMessage) error {
	var text string
	if !e.HasJSON() && data[0] == '"' {
		if err := json.Unmarshal(data, &text); err != nil {
			return fmt.Errorf("data: %w", err)
		}
		e.Data = []byte(text)
		return nil
	}
	e.Data = data
	return nil
}

// attributeText is the text of an attribute in JSON.
func attributeText(raw json.RawMessage) (string, bool) {
	switch raw[0] {
	case '"':
		var text string
		err := json.Unmarshal(raw, &text)
		return text, err == nil
	case '{', '[':
		return "", false
	}
	return string(raw), true
}

func (e Event) check() error {
	for _, name := range []string{"specversion", "id", "source", "type"} {
		if e.Attributes[name] == "" {
			return fmt.Errorf("the event has no %s", name)
		}
	}
	if v := e.Attributes["specversion"]; v != "1.0" {
		return fmt.Errorf("version %q of CloudEvents is not known: use 1.0", v)
	}
	for name := range e.Attributes {
		if !validName(name) {
			return fmt.Errorf("attribute %q: names are of lower-case letters and digits", name)
		}
	}
	if len(e.Data) > 0 && e.HasJSON() && !json.Valid(e.Data) {
		return fmt.Errorf("the data of the event is not the JSON that it says to be")
	}
	return nil
}

func validName(name string) bool {
	for _, c := range name {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// HasJSON reports whether the data is JSON: what has no content type is.
func (e Event) HasJSON() bool {
	media := e.Attributes[dataContentType]
	if media == "" {
		return true
	}
	name, _, err := mime.ParseMediaType(media)
	return err == nil && (name == applicationJSON || strings.HasSuffix(name, "+json"))
}

// HasText reports whether the data is text that is no JSON.
func (e Event) HasText() bool {
	name, _, err := mime.ParseMediaType(e.Attributes[dataContentType])
	return err == nil && strings.HasPrefix(name, "text/") && utf8.Valid(e.Data)
}

// Write makes the message of an event, in the mode Binary or Structured.
func (e Event) Write(mode Mode) (http.Header, []byte) {
	h := http.Header{}
	if mode == Structured {
		h.Set("Content-Type", MediaType+"; charset=UTF-8")
		return h, e.document()
	}
	for name, value := range e.Attributes {
		if name != dataContentType {
			h[headerPrefix+strings.ToUpper(name[:1])+name[1:]] = []string{escape(value)}
		}
	}
	if len(e.Data) > 0 {
		media := e.Attributes[dataContentType]
		if media == "" {
			media = applicationJSON
		}
		h.Set("Content-Type", media)
	}
	return h, e.Data
}

// document is the event in the JSON format.
func (e Event) document() []byte {
	b := []byte{'{'}
	for i, name := range slices.Sorted(maps.Keys(e.Attributes)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(appendString(b, name), ':'), appendString(nil, e.Attributes[name])...)
	}
	switch {
	case len(e.Data) == 0:
	case e.HasJSON():
		b = append(append(b, `,"data":`...), bytes.TrimSpace(e.Data)...)
	case e.HasText():
		b = appendString(append(b, `,"data":`...), string(e.Data))
	default:
		b = append(append(b, `,"data_base64":"`...), base64.StdEncoding.EncodeToString(e.Data)...)
		b = append(b, '"')
	}
	return append(b, '}')
}

func appendString(dst []byte, s string) []byte {
	text, err := json.Marshal(s)
	if err != nil { // a string always encodes
		panic("encode a string: " + err.Error())
	}
	return append(dst, text...)
}

// escape makes a value of a header: what is not printable ASCII, and the characters that the binding
// names, are percent-encoded.
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '"' || c == '%' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
