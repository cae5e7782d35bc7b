package protocoltest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxReply bounds an answer, in bytes.
const maxReply = 16 << 20

// session is a conversation with one container.
type session struct {
	ctx      context.Context //nolint:containedctx // it lives as long as one call of Certify
	url      string
	logs     *Logs
	samples  Samples
	patience time.Duration
	client   *http.Client
	seen     string // the last answer, in short
	prints   int    // runs that have printed
}

func newSession(ctx context.Context, c Container, opts Options) *session {
	return &session{ctx: ctx, url: strings.TrimSuffix(c.URL, "/"), logs: c.Logs, samples: opts.Samples, patience: opts.Patience,
		client: &http.Client{
			Transport:     &http.Transport{DisableCompression: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}}
}

// reply is an answer.
type reply struct {
	status int
	header http.Header
	length int64 // announced; -1 if it was not
	body   []byte
}

func (r reply) String() string {
	text := strings.ToValidUTF8(string(r.body), "\ufffd")
	if len(text) > 160 {
		text = text[:160] + "…"
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", r.status, text))
}

// ask sends one request. An error is a silence: the runtime refused, hung or broke off.
func (s *session) ask(method, path string, header map[string]string, body []byte, patience time.Duration) (reply, error) {
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, s.url+path, bytes.NewReader(body))
	if err != nil {
		return reply{}, silence{err}
	}
	for key, value := range header {
		req.Header.Set(key, value)
	}
	res, err := s.client.Do(req)
	if err != nil {
		return reply{}, silence{s.broken(method, path, patience, err)}
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxReply))
	if err != nil {
		return reply{}, silence{s.broken(method, path, patience, err)}
	}
	r := reply{status: res.StatusCode, header: res.Header, length: res.ContentLength, body: text}
	s.seen = r.String()
	return r, nil
}

func (s *session) broken(method, path string, patience time.Duration, err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s %s was not answered in %s", method, path, patience)
	}
	return fmt.Errorf("%s %s was not answered: %w", method, path, err)
}

// post sends JSON.
func (s *session) post(path, body string) (reply, error) {
	return s.ask(http.MethodPost, path, map[string]string{"Content-Type": "application/json"}, []byte(body), s.patience)
}

// want judges status and body; JSON is compared as values.
func (r reply) want(status int, body string) error {
	if r.status != status || !sameJSON(r.body, []byte(body)) {
		return fmt.Errorf("got %s, want %s", r, reply{status: status, body: []byte(body)})
	}
	return nil
}

// wantError wants an error of any status but 200, as JSON with a member "error".
func (r reply) wantError() error {
	var answer struct {
		Error *json.RawMessage `json:"error"`
	}
	if r.status == http.StatusOK {
		return fmt.Errorf("got %s, want another status", r)
	}
	if err := json.Unmarshal(r.body, &answer); err != nil || answer.Error == nil {
		return fmt.Errorf(`got %s, want JSON with a member "error"`, r)
	}
	return nil
}

// wantFailure is want with an error of this text.
func (r reply) wantFailure(status int, text string) error {
	return r.want(status, `{"error":`+quote(text)+`}`)
}

func quote(text string) string {
	b, _ := json.Marshal(text) // a string always can
	return string(b)
}

func sameJSON(a, b []byte) bool {
	return bytes.Equal(a, b) || canonical(a) != "" && canonical(a) == canonical(b)
}

// canonical spells JSON in one way, "" if it is none.
func canonical(text []byte) string {
	var v any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return ""
	}
	b, _ := json.Marshal(v) // it was decoded
	return string(b)
}
