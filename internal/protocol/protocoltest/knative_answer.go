package protocoltest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

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
