package protocoltest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
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

// answer lets the probe return this.
func (s *session) answer(path, result string) (reply, error) {
	return s.post(path, `{"do":"answer","answer":`+result+`}`)
}

func checkAnswer(s *session) error {
	r, err := s.answer("/probe", `{"statusCode":418,"headers":{"x-a":"b","content-type":"text/plain"},"body":"tea"}`)
	if err == nil && (r.status != 418 || r.header.Get("X-A") != "b" || !strings.HasPrefix(r.header.Get("Content-Type"), "text/plain") || string(r.body) != "tea") {
		err = fmt.Errorf("got %s with X-A %q and type %q", r, r.header.Get("X-A"), r.header.Get("Content-Type"))
	}
	return err
}

func answerIs(result string, status int, contentType, body string) func(*session) error {
	return func(s *session) error {
		r, err := s.answer("/probe", result)
		if err == nil && (r.status != status || !strings.EqualFold(r.header.Get("Content-Type"), contentType) || string(r.body) != body) {
			err = fmt.Errorf("got %s of type %q, want %d %q of type %q", r, r.header.Get("Content-Type"), status, body, contentType)
		}
		return err
	}
}

func answerFails(result, text string) func(*session) error {
	return func(s *session) error {
		r, err := s.answer("/probe", result)
		if err != nil {
			return err
		}
		return r.wantText(400, text)
	}
}

// wantText wants an error whose text is this, whatever else it has.
func (r reply) wantText(status int, text string) error {
	var answer struct{ Error string }
	if json.Unmarshal(r.body, &answer) != nil || r.status != status || answer.Error != text {
		return fmt.Errorf("got %s, want %d with the error %q", r, status, text)
	}
	return nil
}

func checkCookies(s *session) error {
	r, err := s.answer("/probe", `{"headers":{"Set-Cookie":["a=1","b=2"]},"body":"x"}`)
	if err == nil && !slices.Equal(r.header["Set-Cookie"], []string{"a=1", "b=2"}) {
		err = fmt.Errorf("Set-Cookie is %q", r.header["Set-Cookie"])
	}
	return err
}

func checkOrigins(s *session) error {
	want := map[string]string{
		"Access-Control-Allow-Origin":  "*",
		"Access-Control-Allow-Methods": "OPTIONS, GET, DELETE, POST, PUT, HEAD, PATCH",
		"Access-Control-Allow-Headers": "Authorization, Origin, X-Requested-With, Content-Type, Accept, User-Agent",
	}
	for _, method := range []string{"GET", "OPTIONS"} {
		r, err := s.ask(method, "/probe", nil, nil, s.patience)
		if err != nil {
			return err
		}
		for name, value := range want {
			if r.header.Get(name) != value {
				return fmt.Errorf("%s: %s is %q, want %q", method, name, r.header.Get(name), value)
			}
		}
	}
	return nil
}

func checkExtensions(s *session) error {
	for _, tc := range []struct{ ext, result, contentType, body string }{
		{".json", `{"a":1}`, "application/json", `{"a":1}`},
		{".html", `{"html":"<i>a</i>"}`, "text/html; charset=UTF-8", "<i>a</i>"},
		{".svg", `{"body":"<svg/>"}`, "image/svg+xml", "<svg/>"},
		{".text", `{"text":"plain"}`, "text/plain; charset=UTF-8", "plain"},
		{".http", `{"body":"x"}`, "text/html; charset=UTF-8", "x"},
		{"", `{"body":"y"}`, "text/html; charset=UTF-8", "y"},
	} {
		r, err := s.answer("/probe"+tc.ext, tc.result)
		if err != nil {
			return err
		}
		same := string(r.body) == tc.body || tc.ext == ".json" && sameJSON(r.body, []byte(tc.body))
		if r.status != 200 || r.header.Get("Content-Type") != tc.contentType || !same {
			return fmt.Errorf("%q: got %s of type %q, want %q of type %q", tc.ext, r, r.header.Get("Content-Type"), tc.body, tc.contentType)
		}
	}
	return nil
}

func (s *session) notAllowed(path, body, otherPath, otherBody string) error {
	for _, one := range [][2]string{{path, body}, {otherPath, otherBody}} {
		r, err := s.post(one[0], one[1])
		if err != nil {
			return err
		}
		if err := r.wantText(400, "Request defines parameters that are not allowed (e.g., reserved properties)."); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) wantRaw(contentType, body, want string) error {
	args, r, err := s.arguments("POST", "/probe.json?a=1&b=2", contentType, body)
	if err != nil {
		return err
	}
	if args["__ow_body"] != want || args["__ow_query"] != "a=1&b=2" || args["a"] != nil {
		return fmt.Errorf("__ow_body is %v, __ow_query %v: %s", args["__ow_body"], args["__ow_query"], r)
	}
	return nil
}
