package webaction

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"
)

// encodeHTTP answers with the status, the headers and the body that the
// result names. OpenWhisk 4.4.
func encodeHTTP(result json.RawMessage) (Response, error) {
	notHTTP := invalid("message/http")
	in := object(result)
	if in == nil {
		return Response{}, notHTTP
	}
	header, valid := decodeHeaders(in["headers"])
	if !valid {
		return Response{}, notHTTP
	}
	status, valid := decodeStatus(in["statusCode"])
	if !valid {
		return Response{}, notHTTP
	}
	given := header["Content-Type"]
	delete(header, "Content-Type")
	out := Response{Status: status, Header: header}
	body := in["body"]
	if text := string(body); text == "" || text == "null" || text == `""` {
		if status == 0 {
			out.Status = http.StatusNoContent
		}
		return out, nil
	}
	if status == 0 {
		out.Status = http.StatusOK
	}
	contentType, data, err := encodeEntity(body, given)
	if err != nil {
		return Response{}, err
	}
	if len(data) > 0 && out.Status != http.StatusNoContent && out.Status != http.StatusNotModified {
		out.Body = data
		header["Content-Type"] = []string{contentType}
	}
	return out, nil
}

// decodeStatus reads a whole number, also in a string; 0 stands for none. An
// informational status is no answer. OpenWhisk 4.4.3.
func decodeStatus(raw json.RawMessage) (status int, valid bool) {
	if raw == nil {
		return 0, true
	}
	if text, isString := decodeString(raw); isString {
		n, err := strconv.Atoi(text)
		return n, err == nil && n >= 200 && n <= 599
	}
	n, err := strconv.ParseFloat(string(raw), 64)
	return int(n), err == nil && n == math.Trunc(n) && n >= 200 && n <= 599
}

// encodeEntity makes the body; given are the types that the action names, of
// which the first counts.
func encodeEntity(body json.RawMessage, given []string) (contentType string, data []byte, err error) {
	text, isString := decodeString(body)
	if len(given) == 0 && isString {
		return textHTML, []byte(text), nil
	}
	if len(given) == 0 {
		return applicationJSON, pretty(body), nil
	}
	m, known := parseMedia(given[0])
	switch {
	case !isString && (!known || !m.isJSON()):
		return "", nil, ErrTypeMismatch
	case !isString:
		return m.name, pretty(body), nil
	case !known:
		return "", nil, ErrUnknownType
	}
	return encodeString(m, text)
}

// encodeString makes the body of a string: text, or bytes as base64. Documents
// of JSON and XML may be either, whether or not their type is a known one.
// OpenWhisk 4.4.9–4.4.11.
func encodeString(m media, text string) (contentType string, data []byte, err error) {
	document := m.isJSON() || !m.isText() && strings.HasSuffix(m.name, "+xml")
	switch {
	case document:
		contentType = m.String()
		if m.name == applicationJSON {
			contentType = applicationJSON
		}
		if !looksBase64(text) {
			return contentType, []byte(text), nil
		}
	case m.isText() || m.family() == "text":
		data = m.encode(text)
		return m.withCharset(), data, nil
	default:
		contentType = m.String()
	}
	if data, err = decodeBase64(text); err != nil {
		return "", nil, ErrTypeMismatch
	}
	return contentType, data, nil
}

// decodeBase64 takes base64 with and without its padding.
func decodeBase64(text string) ([]byte, error) {
	return base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
}

// looksBase64 reports whether text may be base64: whole groups of four
// characters, padded at the end. OpenWhisk 2.2.4.
func looksBase64(text string) bool {
	if text == "" || len(text)%4 != 0 {
		return false
	}
	_, err := base64.StdEncoding.DecodeString(text)
	return err == nil && !strings.ContainsAny(text, "\r\n")
}
