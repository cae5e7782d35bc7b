package apigateway

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// Call is one activation of an action of package apimgmt.
type Call struct {
	Identity *entity.Identity // in whose namespace it runs
	Args     json.RawMessage
	Log      Log
}

// Log is that of the activation.
type Log interface {
	Printf(format string, args ...any)
	Errorf(format string, args ...any)
}

// message is what a client asks for. OpenWhisk 7.2.1.
type message struct {
	document // the arguments as they are
	log      Log
	web      bool   // called as a web action
	caller   string // namespace of the caller, "" for an anonymous one
}

// systemNamespace is that of the package.
const systemNamespace = "whisk.system"

func read(call Call) message {
	v, err := decode(call.Args)
	members, ok := v.(map[string]any)
	if err != nil || !ok {
		members = map[string]any{}
	}
	m := message{document: members, log: call.Log}
	_, m.web = members["__ow_method"]
	m.caller = m.namespace(call.Identity)
	return m
}

// namespace says whose APIs are meant. The platform vouches for __ow_user of
// a web action; who calls the action itself speaks for the namespace that it
// runs in, but for the system's, which may name any. OpenWhisk 7.2.1.
func (m message) namespace(id *entity.Identity) string {
	user, _ := text(m.document["__ow_user"])
	own := id.Namespace.Name
	switch {
	case own == systemNamespace && user == "" && !m.web:
		user, _ = text(m.document["namespace"])
	case own == systemNamespace || m.web && user == own:
	case m.web:
		return ""
	default:
		return own
	}
	return user
}

// text returns an argument, "" if it is no text.
func (m message) text(name string) string {
	s, _ := text(m.document[name])
	return s
}

// number returns an argument that is a number or the text of one; given is
// false if there is none, n is 0 if it is neither.
func (m message) number(name string) (n int, given bool) {
	switch v := m.document[name].(type) {
	case nil:
		return 0, false
	case json.Number:
		n, _ = strconv.Atoi(v.String())
	case string:
		n, _ = strconv.Atoi(strings.TrimSpace(v))
	}
	return n, true
}

// requestHosts are the names by which the client reached the server, as far as
// they are known.
func (m message) requestHosts() []string {
	var names []string
	for _, header := range []string{"host", "x-forwarded-host"} {
		if name, ok := text(m.at("__ow_headers", header)); ok && name != "" {
			names = append(names, name)
		}
	}
	return names
}

// succeed and fail render a result: of a web action it is the whole response.
// OpenWhisk 7.3.1, 7.3.8.
func (m message) succeed(body any) (json.RawMessage, error) {
	if m.web {
		body = response(200, body)
	}
	return entity.Marshal(body)
}

func (m message) fail(text string) (json.RawMessage, error) {
	m.log.Errorf("%s", text)
	var body any = text
	if m.web {
		body = response(502, map[string]any{"error": text})
	}
	return entity.Marshal(map[string]any{"error": body})
}

func response(status int, body any) map[string]any {
	return map[string]any{
		"statusCode": status, "headers": map[string]string{"Content-Type": "application/json"}, "body": body,
	}
}
