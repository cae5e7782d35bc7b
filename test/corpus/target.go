package corpus

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// Target is somewhere samples can be deployed: a server, a proxy on this machine, a cluster.
type Target interface {
	Name() string
	// Deploy makes the sample callable until the client is closed.
	Deploy(ctx context.Context, s Sample) (Client, error)
}

// Client calls one deployed sample.
type Client interface {
	Do(ctx context.Context, r Request) (Response, error)
	Close() error
}

// Response is what is compared of an answer.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// own are headers of the connection and of one request.
func own() []string {
	return []string{"Date", "Content-Length", "Connection", "Keep-Alive", "Server", "X-Request-Id", "X-Openwhisk-Activation-Id", "X-Gowhisk-Error"}
}

// Send is an exchange over HTTP.
func Send(ctx context.Context, s Sample, r Request, url string, more map[string]string) (Response, error) {
	body, err := r.Bytes(s)
	if err != nil {
		return Response{}, err
	}
	method := r.Method
	if method == "" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return Response{}, err
	}
	for key, value := range r.Headers() {
		req.Header.Set(key, value)
	}
	for key, value := range more {
		if key == "Host" {
			req.Host = value
		}
		req.Header.Set(key, value)
	}
	client := http.Client{Transport: &http.Transport{DisableCompression: true, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		return Response{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return Response{Status: res.StatusCode, Header: res.Header, Body: text}, err
}

// Run sends the requests of a deployed sample and writes down the answers as golden.txt has them.
func Run(ctx context.Context, s Sample, c Client) (string, error) {
	var b strings.Builder
	for _, r := range s.Requests {
		res, err := c.Do(ctx, r)
		if err != nil {
			return b.String(), fmt.Errorf("%s: %w", r.Name, err)
		}
		fmt.Fprintf(&b, "--- %s\n%s", r.Name, res.text(s))
	}
	return b.String(), nil
}

func (r Response) text(s Sample) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s\n", r.Status, http.StatusText(r.Status))
	var names []string
	for name := range r.Header {
		if !slices.Contains(own(), name) && (s.Web || strings.HasPrefix(name, "Ce-") || name == "Content-Type" && len(r.Body) > 0) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range r.Header[name] {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	fmt.Fprintf(&b, "\n%s\n", body(r.Body, s.Web))
	return b.String()
}

// body is readable, and without the id of the request.
func body(text []byte, web bool) string {
	if !utf8.Valid(text) {
		return "base64 " + base64.StdEncoding.EncodeToString(text)
	}
	var members map[string]any
	if json.Unmarshal(text, &members) != nil {
		return string(text)
	}
	if _, failed := members["error"]; failed && members["code"] != nil {
		delete(members, "code")
	} else if web {
		return string(text)
	}
	clean, err := json.Marshal(members)
	if err != nil {
		return string(text)
	}
	return string(clean)
}

// Golden reads what the sample answers.
func Golden(s Sample) (string, error) {
	text, err := os.ReadFile(filepath.Join(s.Dir, "golden.txt"))
	return string(text), err
}
