package corpus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"

	"github.com/gowhisk/gowhisk/internal/webaction"
)

// ServeHTTP is what the platform does between a caller and a container.
func (e *edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil && !e.sample.Web {
		err = e.invoke(w, r, body)
	} else if err == nil {
		err = e.web(w, r, body)
	}
	if refusal, ok := errors.AsType[*webaction.Error](err); ok {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(refusal.Status)
		_, _ = w.Write(refusal.Body("id"))
	} else if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// run puts the parameters under the arguments, runs, and says whether the result is an error's.
func (e *edge) run(ctx context.Context, args []byte) (result []byte, failed, broken bool, err error) {
	given := map[string]json.RawMessage{}
	if err := json.Unmarshal(args, &given); err != nil {
		return nil, false, false, &webaction.Error{Status: http.StatusBadRequest, Message: "The request content was malformed:\n" + err.Error()}
	}
	for key, value := range e.sample.Parameters {
		if _, over := given[key]; over {
			continue
		}
		text, err := json.Marshal(map[string]any{key: value})
		if err != nil {
			return nil, false, false, err
		}
		args = joined(text, args)
	}
	status, answer, err := e.post(ctx, "/run", []byte(`{"value":`+string(args)+`,"namespace":"guest","action_name":"/guest/probe"}`))
	var members map[string]json.RawMessage
	if json.Unmarshal(answer, &members) == nil {
		_, failed = members["error"]
	}
	return answer, failed, status != http.StatusOK, err
}

// joined is one object of two, in order.
func joined(a, b []byte) []byte {
	a, b = bytes.TrimSpace(a), bytes.TrimSpace(b)
	if len(b) == 2 {
		return a
	}
	return append(append(a[:len(a)-1:len(a)-1], ','), b[1:]...)
}

// invoke is a blocking invocation that asks for the result. OpenWhisk 2.6.6.
func (e *edge) invoke(w http.ResponseWriter, r *http.Request, body []byte) error {
	if len(body) == 0 {
		body = []byte(`{}`)
	}
	result, failed, broken, err := e.run(r.Context(), body)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	if failed || broken {
		w.WriteHeader(http.StatusBadGateway)
	}
	_, err = w.Write(result)
	return err
}

// web is a web action's request. OpenWhisk 4.
func (e *edge) web(w http.ResponseWriter, r *http.Request, body []byte) error {
	annotations := e.sample.AllAnnotations()
	if annotations["web-custom-options"] != true {
		webaction.AllowOrigins(w.Header(), r.Header["Access-Control-Request-Headers"])
		if r.Method == http.MethodOptions {
			return nil
		}
	}
	name := strings.TrimPrefix(strings.TrimPrefix(r.URL.EscapedPath(), "/api/v1/web/guest/default"), "/")
	name, path, more := strings.Cut(name, "/")
	_, extension := webaction.SplitExtension(name)
	if more {
		path = "/" + path
	}
	request := webaction.Request{Method: r.Method, Header: webaction.EdgeHeader(r, "id"), Path: path, Query: r.URL.RawQuery, Body: body}
	text, err := request.RawArguments(), error(nil)
	if annotations["raw-http"] != true {
		text, err = request.Arguments(func(key string) bool { return annotations["final"] == true && e.sample.Parameters[key] != nil })
	}
	if err != nil {
		return err
	}
	result, failed, broken, err := e.run(r.Context(), text)
	switch {
	case err != nil:
		return err
	case broken:
		return webaction.ErrFailed
	case failed:
		return send(w, r, extension, result, webaction.EncodeFailure)
	}
	return send(w, r, extension, result, webaction.Encode)
}

func send(w http.ResponseWriter, r *http.Request, e webaction.Extension, result []byte, encode func(webaction.Extension, json.RawMessage) (webaction.Response, error)) error {
	response, err := encode(e, result)
	if err == nil {
		err = response.Negotiate(r.Header["Accept"])
	}
	if err != nil {
		return err
	}
	maps.Copy(w.Header(), response.Header)
	w.WriteHeader(response.Status)
	_, err = w.Write(response.Body)
	return err
}
