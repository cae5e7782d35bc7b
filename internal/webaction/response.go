package webaction

import (
	"bytes"
	"encoding/json"
	"net/http"
)

// Response is an HTTP response. Header holds what may be sent as it is:
// canonical names, values without control characters, nothing that frames the
// message, and a Content-Type if there is a body.
type Response struct {
	Status int // 200 to 599
	Header http.Header
	Body   []byte
}

// Encode makes the response of an action that succeeded. Errors: *Error.
// OpenWhisk 4.4, 4.5.
func Encode(e Extension, result json.RawMessage) (Response, error) {
	result = bytes.TrimSpace(result)
	switch e {
	case JSON:
		return encodeJSON(result)
	case HTML:
		return encodeMarkup(result, "html", textHTML, invalid("text/html"))
	case SVG:
		return encodeMarkup(result, "svg", imageSVG, invalid(imageSVG))
	case Text:
		return encodeText(result)
	}
	return encodeHTTP(result)
}

// EncodeFailure makes the response of an action that answered with an error:
// what it says of it takes the place of the result. OpenWhisk 4.7.1.
func EncodeFailure(e Extension, result json.RawMessage) (Response, error) {
	said := object(result)["error"]
	if said == nil {
		return Response{}, ErrNoProperty
	}
	return Encode(e, said)
}

// Negotiate reports whether the client takes the response; only a body that
// comes with success is negotiated. Errors: *Error. OpenWhisk 4.5.6.
func (r Response) Negotiate(accept []string) error {
	if len(r.Body) == 0 || r.Status >= http.StatusMultipleChoices {
		return nil
	}
	if contentType := r.Header.Get("Content-Type"); !Acceptable(accept, contentType) {
		return NotAcceptable(contentType)
	}
	return nil
}

func ok(contentType string, body []byte) Response {
	return Response{http.StatusOK, http.Header{"Content-Type": {contentType}}, body}
}

// encodeJSON answers with the whole result. OpenWhisk 4.5.1.
func encodeJSON(result json.RawMessage) (Response, error) {
	c := first(result)
	body, err := indent(result)
	if c != '{' && c != '[' || err != nil {
		return Response{}, invalid(applicationJSON)
	}
	return ok(applicationJSON, body), nil
}

// encodeMarkup answers with a text of the result. OpenWhisk 4.5.2, 4.5.3.
func encodeMarkup(result json.RawMessage, member, contentType string, otherwise *Error) (Response, error) {
	said := result
	if first(result) == '{' {
		said = either(object(result), member)
	}
	text, isString := decodeString(said)
	if !isString {
		return Response{}, otherwise
	}
	return ok(contentType, []byte(text)), nil
}

// encodeText answers with a member of the result, whatever it is. OpenWhisk
// 4.5.4.
func encodeText(result json.RawMessage) (Response, error) {
	said := result
	if first(result) == '{' {
		said = either(object(result), "text")
	}
	if !json.Valid(said) {
		return Response{}, ErrNoProperty
	}
	if text, isString := decodeString(said); isString {
		return ok(textPlain, []byte(text)), nil
	}
	return ok(textPlain, pretty(said)), nil
}

// either is the body, or else the member.
func either(in map[string]json.RawMessage, member string) json.RawMessage {
	if body, there := in["body"]; there {
		return body
	}
	return in[member]
}

// object splits a JSON object; of anything else it is nil. Of equal keys the
// last one wins.
func object(raw json.RawMessage) map[string]json.RawMessage {
	var in map[string]json.RawMessage
	if json.Unmarshal(raw, &in) != nil {
		return nil
	}
	return in
}

func decodeString(raw json.RawMessage) (s string, isString bool) {
	if first(raw) != '"' {
		return "", false
	}
	return s, json.Unmarshal(raw, &s) == nil
}

// first is the first byte, 0 if there is none.
func first(raw []byte) byte {
	if len(raw) == 0 {
		return 0
	}
	return raw[0]
}
