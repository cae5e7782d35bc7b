package protocoltest

import (
	"fmt"
	"net/url"
)

// dedicatedLife is that of an image with the probe, not exported.
func dedicatedLife() []clause {
	return []clause{
		{"0-02", "the action of the image runs without an init", "", func(s *session) error {
			r, err := s.ask("POST", "/", map[string]string{"Content-Type": "application/json"}, []byte(`{"a":1}`), 3*s.patience)
			if err != nil {
				return err
			}
			return r.want(200, `{"a":1,"fixed":"f"}`)
		}},
		{"0-05", "init data in a request is refused", "", checkForeignInit},
		{"0-05", "and the action is untouched", "", func(s *session) error { return s.wantPlain("/", `{"a":2}`, `{"a":2,"fixed":"f"}`) }},
		{"0-06", "members of a plain body are arguments, whatever their names", "", func(s *session) error {
			const body = `{"name":"n","main":"m","code":"c","binary":true,"raw":"r","fixed":"other"}`
			return s.wantPlain("/", body, body)
		}},
		{"0-11", "the query is arguments, and the body is put over it", "", func(s *session) error {
			return s.wantPlain("/?a=1&b=x%20y", `{"a":2}`, `{"a":2,"b":"x y","fixed":"f"}`)
		}},
		{"0-13", "a form is arguments", "", checkForm},
		{"0-10", "methods other than POST are 405", "", func(s *session) error {
			for _, method := range []string{"GET", "PUT", "DELETE", "PATCH"} {
				if err := s.wantStatus(method, "/", 405); err != nil {
					return err
				}
			}
			return nil
		}},
		{"0-32", "other paths are errors", "", func(s *session) error { return s.refusedAt("/no/such/path/here", `{}`) }},
	}
}

func checkForeignInit(s *session) error {
	body, err := s.envelope(`,"activation":{},"value":{"a":1}`)
	if err != nil {
		return err
	}
	return s.refused(body)
}

func checkForm(s *session) error {
	r, err := s.ask("POST", "/", map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
		[]byte(url.Values{"a": {"1"}, "b": {"2"}}.Encode()), s.patience)
	if err != nil {
		return err
	}
	return r.want(200, `{"a":"1","b":"2","fixed":"f"}`)
}

func (s *session) wantPlain(path, body, want string) error {
	r, err := s.post(path, body)
	if err != nil {
		return err
	}
	return r.want(200, want)
}

func (s *session) wantStatus(method, path string, status int) error {
	r, err := s.ask(method, path, nil, nil, 3*s.patience)
	if err != nil {
		return err
	}
	if r.status != status {
		return fmt.Errorf("%s %s: got %s, want %d", method, path, r, status)
	}
	return nil
}

func checkMethods(s *session) error {
	for method, status := range map[string]int{"GET": 200, "PUT": 200, "POST": 405, "DELETE": 405} {
		if err := s.wantStatus(method, "/", status); err != nil {
			return err
		}
	}
	return nil
}
