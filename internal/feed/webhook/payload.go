package webhook

import (
	"encoding/base64"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// payload is what the trigger is fired with: a JSON object as it is, any
// other body as its member "payload", in base64 if it is no text. GitHub's
// forms are taken for the JSON inside them. nil is a body that cannot be read.
func (h *hook) payload(header http.Header, body []byte) json.RawMessage {
	media, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if h.Type == TypeGitHub && err == nil && media == "application/x-www-form-urlencoded" {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil
		}
		body = []byte(form.Get("payload"))
	}
	trimmed := strings.TrimLeft(string(body), " \t\r\n")
	switch {
	case trimmed == "":
		return json.RawMessage(`{}`)
	case json.Valid(body) && trimmed[0] == '{':
		return entity.Compact(body)
	case h.Type == TypeGitHub:
		return nil
	case json.Valid(body):
		return wrap(json.RawMessage(body), "")
	case utf8.Valid(body):
		return wrap(string(body), "")
	default:
		return wrap(base64.StdEncoding.EncodeToString(body), "base64")
	}
}

func wrap(body any, encoding string) json.RawMessage {
	out, err := entity.Marshal(struct {
		Payload  any    `json:"payload"`
		Encoding string `json:"encoding,omitempty"`
	}{body, encoding})
	if err != nil {
		return nil
	}
	return out
}

// maxHeaders bounds the headers that actions see.
const maxHeaders = 64

// headers are those that actions see, in lower case: none that prove who
// somebody is, and none of the way.
func headers(all http.Header) map[string]string {
	shown := map[string]string{}
	for name, values := range all {
		if name = strings.ToLower(name); !hidden(name) && len(shown) < maxHeaders {
			shown[name] = strings.Join(values, ", ")
		}
	}
	return shown
}

func hidden(name string) bool {
	switch name {
	case "authorization", "cookie", "content-type", "content-length", "connection", "keep-alive", "te", "trailer",
		"transfer-encoding", "upgrade", "forwarded", "via", "x-real-ip", "accept-encoding", "webhook-signature":
		return true
	}
	for _, prefix := range []string{"proxy-", "x-forwarded-", "x-hub-signature"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// wanted reports whether a delivery of GitHub's is one of those that the
// trigger is fired for; a ping never is.
func (h *hook) wanted(header http.Header, payload json.RawMessage) bool {
	if h.Type != TypeGitHub {
		return true
	}
	event := header.Get("X-GitHub-Event")
	if event == "ping" || !h.listens(event) {
		return false
	}
	var about struct {
		Repository struct {
			FullName string `json:"full_name"`
		} `json:"repository"`
	}
	if err := json.Unmarshal(payload, &about); err != nil {
		return false
	}
	return h.Repository == "" || strings.EqualFold(about.Repository.FullName, h.Repository)
}

func (h *hook) listens(event string) bool {
	for _, wanted := range h.Events {
		if wanted == event {
			return true
		}
	}
	return len(h.Events) == 0
}
