package protocoltest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
)

// webLife is that of an image with the probe as a web action whose parameter fixed is final.
func webLife() []clause {
	return []clause{
		{"0-08", "method, headers and path are arguments, for every method", "", checkContext},
		{"0-08", "a text body is __ow_body as it is, another one in base64", "", checkBodies},
		{"0-09", "statusCode, headers and body are the answer", "", checkAnswer},
		{"0-09", "without a body the answer is 204", "", answerIs(`{"headers":{"x-a":"b"}}`, 204, "", "")},
		{"0-09", "a text is HTML unless its type is given", "", answerIs(`{"body":"<b>hi</b>"}`, 200, "text/html; charset=UTF-8", "<b>hi</b>")},
		{"0-09", "other values are JSON", "", answerIs(`{"body":{"a":1}}`, 200, "application/json", "{\n  \"a\": 1\n}")},
		{"0-09", "a body of a binary type is decoded", "", answerIs(`{"headers":{"content-type":"application/octet-stream"},"body":"AAEC/w=="}`, 200, "application/octet-stream", "\x00\x01\x02\xff")},
		{"0-09", "several cookies are several headers", "", checkCookies},
		{"0-09", "other origins are allowed", "", checkOrigins},
		{"0-11", "query and body are arguments, the body wins", "", func(s *session) error {
			return s.wantArguments("POST", "/probe.json?a=1&b=x%20y", "application/json", `{"a":2}`, `{"a":2,"b":"x y","fixed":"f"}`)
		}},
		{"0-12", "extensions choose the form of the answer", "", checkExtensions},
		{"0-12", "the paths of OpenWhisk's API are understood", "", func(s *session) error {
			return s.wantArguments("POST", "/api/v1/web/guest/default/probe.json", "application/json", `{"a":1}`, `{"a":1,"fixed":"f"}`)
		}},
		{"0-13", "a form is arguments", "", func(s *session) error {
			return s.wantArguments("POST", "/probe.json", "application/x-www-form-urlencoded", "a=1&b=2", `{"a":"1","b":"2","fixed":"f"}`)
		}},
		{"0-14", "base64 that cannot be decoded is 400", "", answerFails(`{"headers":{"content-type":"image/png"},"body":"!!"}`, "Response type in header did not match generated content type.")},
		{"0-14", "a type that does not fit the body is 400", "", answerFails(`{"headers":{"content-type":"text/html"},"body":{"a":1}}`, "Response type in header did not match generated content type.")},
		{"0-14", "a status that is none is 400", "", answerFails(`{"statusCode":"many","body":"x"}`, "Response is not valid 'message/http'.")},
		{"0-15", "reserved names are 400 in query and body", "", func(s *session) error {
			return s.notAllowed("/probe.json?__ow_method=x", `{}`, "/probe.json", `{"__ow_user":"x"}`)
		}},
		{"0-16", "final parameters are 400 in query and body", "", func(s *session) error {
			return s.notAllowed("/probe.json?fixed=x", `{}`, "/probe.json", `{"fixed":"x"}`)
		}},
	}
}

func rawLife() []clause {
	return []clause{
		{"0-17", "a raw action gets text as it is, and the query as it came", "", func(s *session) error {
			return s.wantRaw("text/plain", "a=1&b", "a=1&b")
		}},
		{"0-17", "a raw action gets JSON in base64", "", func(s *session) error {
			return s.wantRaw("application/json", `{"a": 1}`, base64.StdEncoding.EncodeToString([]byte(`{"a": 1}`)))
		}},
	}
}

// arguments sends a request to a web action that returns its arguments.
func (s *session) arguments(method, path, contentType, body string) (map[string]any, reply, error) {
	header := map[string]string{"X-Custom": "Value"}
	if contentType != "" {
		header["Content-Type"] = contentType
	}
	r, err := s.ask(method, path, header, []byte(body), 3*s.patience)
	if err != nil {
		return nil, r, err
	}
	var args map[string]any
	if err := json.Unmarshal(r.body, &args); err != nil || r.status != 200 {
		return nil, r, fmt.Errorf("%s %s: got %s, want the arguments", method, path, r)
	}
	return args, r, nil
}

// wantArguments compares those that do not begin with __ow_.
func (s *session) wantArguments(method, path, contentType, body, want string) error {
	args, r, err := s.arguments(method, path, contentType, body)
	if err != nil {
		return err
	}
	for key := range args {
		if strings.HasPrefix(key, "__ow_") {
			delete(args, key)
		}
	}
	got, err := json.Marshal(args)
	if err == nil && !sameJSON(got, []byte(want)) {
		err = fmt.Errorf("got the arguments %s, want %s: %s", got, want, r)
	}
	return err
}

func checkContext(s *session) error {
	for _, method := range []string{"GET", "POST", "PUT", "DELETE", "PATCH"} {
		args, r, err := s.arguments(method, "/probe.json/rest/of%20it", "", "")
		if err != nil {
			return err
		}
		headers, _ := args["__ow_headers"].(map[string]any)
		if args["__ow_method"] != strings.ToLower(method) || headers["x-custom"] != "Value" || args["__ow_path"] != "/rest/of%20it" {
			return fmt.Errorf("%s: method %v, path %v, headers %v: %s", method, args["__ow_method"], args["__ow_path"], headers, r)
		}
	}
	r, err := s.ask("HEAD", "/probe.json", nil, nil, s.patience)
	if err == nil && (r.status != 200 || len(r.body) > 0) {
		err = fmt.Errorf("HEAD: got %s, want 200 without a body", r)
	}
	return err
}

func checkBodies(s *session) error {
	for _, tc := range []struct{ contentType, body, want string }{
		{"text/plain", "plain ❄", "plain ❄"},
		{"application/octet-stream", "\x00\xff", "AP8="},
	} {
		args, r, err := s.arguments("POST", "/probe.json", tc.contentType, tc.body)
		if err != nil {
			return err
		}
		if args["__ow_body"] != tc.want {
			return fmt.Errorf("%s: __ow_body is %v, want %q: %s", tc.contentType, args["__ow_body"], tc.want, r)
		}
	}
	return nil
}
