package webaction

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
)

// Request is what of an HTTP request an action may see.
type Request struct {
	Method string
	Header http.Header // canonical names; Host among them
	Path   string      // behind the action: "" or "/…", escaped as in the URL
	Query  string      // escaped
	Body   []byte
	User   string // the namespace of valid credentials, "" for none
}

// The members that no request may set. OpenWhisk 4.2.1, 4.2.8.
const (
	memberMethod  = "__ow_method"
	memberHeaders = "__ow_headers"
	memberPath    = "__ow_path"
	memberUser    = "__ow_user"
	memberQuery   = "__ow_query"
	memberBody    = "__ow_body"
)

// Reserved reports whether key is a member that only the platform sets.
func Reserved(key string) bool {
	switch key {
	case memberMethod, memberHeaders, memberPath, memberUser, memberQuery, memberBody:
		return true
	}
	return false
}

// Arguments returns the arguments of an action as a JSON object: the context,
// over it the query, over that the body. fixed reports the parameters that the
// request must not set. Errors: *Error. OpenWhisk 4.2.
func (r *Request) Arguments(fixed func(key string) bool) ([]byte, error) {
	args := r.context()
	body, err := r.decodeBody()
	if err != nil {
		return nil, err
	}
	query := parsePairs(r.Query, unescapeLenient)
	refused := func(key string) bool { return Reserved(key) || fixed(key) }
	if slices.ContainsFunc(query.keys, refused) || body.sets(refused) {
		return nil, ErrReserved
	}
	for _, key := range query.keys {
		if _, over := body.members[key]; !over {
			args = appendString(appendKey(args, key), query.values[key])
		}
	}
	return append(body.append(args), '}'), nil
}

// RawArguments returns the arguments of a raw action: the context, the query
// and the body as they came. OpenWhisk 4.2.6.
func (r *Request) RawArguments() []byte {
	args := appendString(appendKey(r.context(), memberQuery), normalQuery(r.Query))
	args = appendKey(args, memberBody)
	m := r.media()
	if len(r.Body) == 0 || m.isText() && m.name != applicationJSON {
		args = appendString(args, string(r.Body))
	} else {
		args = appendBase64(args, r.Body)
	}
	return append(args, '}')
}

// context begins the arguments: an object that is still open.
func (r *Request) context() []byte {
	args := make([]byte, 0, 512+len(r.Body)+len(r.Body)/2)
	args = append(args, `{"`+memberMethod+`":`...)
	args = appendString(args, strings.ToLower(r.Method))
	args = r.appendHeaders(appendKey(args, memberHeaders))
	args = appendString(appendKey(args, memberPath), r.Path)
	if r.User != "" {
		args = appendString(appendKey(args, memberUser), r.User)
	}
	return args
}

// appendHeaders appends the headers by their names in lower case; of several
// values the last one survives. OpenWhisk 4.2.1, 1.2.5.
func (r *Request) appendHeaders(args []byte) []byte {
	args = append(args, '{')
	names := make([]string, 0, len(r.Header))
	for name, values := range r.Header {
		if len(values) > 0 && name != "Content-Length" && name != "X-Ow-Extra-Logging" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		begin := len(args)
		args = appendKey(args, name)
		lower(args[begin:])
		values := r.Header[name]
		args = appendString(args, values[len(values)-1])
	}
	if len(r.Body) > 0 && len(r.Header["Content-Type"]) == 0 {
		args = appendString(appendKey(args, "content-type"), octetStream)
	}
	return append(args, '}')
}

// lower changes ASCII letters in place.
func lower(b []byte) {
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
}

// media is the type of the body. OpenWhisk 4.2.4.
func (r *Request) media() media {
	if sent := r.Header["Content-Type"]; len(sent) > 0 {
		if m, ok := parseMedia(sent[len(sent)-1]); ok {
			return m
		}
	}
	return media{name: octetStream}
}

// appendKey appends the name of a member to an open object.
func appendKey(object []byte, key string) []byte {
	if object[len(object)-1] != '{' {
		object = append(object, ',')
	}
	return append(appendString(object, key), ':')
}

func appendBase64(dst, data []byte) []byte {
	return append(base64.StdEncoding.AppendEncode(append(dst, '"'), data), '"')
}
