package script

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// maxChecked bounds the bodies that are compared with the API's document;
// longer ones pass unseen.
const maxChecked = 4 << 20

// watcher stands between the voices of a script and its server, and compares
// every exchange with the document that the server gives of itself.
type watcher struct {
	server *http.Server
	url    string

	mu       sync.Mutex
	breaches []string // guarded by mu: what the script has not been told of yet
}

// watch begins in front of the server at target.
func watch(target string, doc *document) (*watcher, error) {
	to, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &watcher{url: "http://" + l.Addr().String()}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = to.Scheme, to.Host
			r.Out.URL.RawQuery = r.In.URL.RawQuery // also what url.Values would drop
			r.Out.Host = r.In.Host
		},
		Transport:     &http.Transport{DisableCompression: true},
		FlushInterval: -1,
	}
	w.server = &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		x := &exchange{request: r, ResponseWriter: rw}
		body := &tee{ReadCloser: r.Body}
		r.Body = body
		proxy.ServeHTTP(x, r)
		x.sent = body.seen()
		w.report(doc.check(x))
	})}
	go func() { _ = w.server.Serve(l) }() // ends with Close
	return w, nil
}

func (w *watcher) report(breaches []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.breaches = append(w.breaches, breaches...)
}

// judge fails the script if an exchange was not as the document says.
func (w *watcher) judge(ts *testscript.TestScript) {
	if w == nil {
		return
	}
	w.mu.Lock()
	breaches := w.breaches
	w.breaches = nil
	w.mu.Unlock()
	if len(breaches) > 0 {
		ts.Fatalf("not as the API's document says:\n%s", strings.Join(breaches, "\n"))
	}
}

func (w *watcher) close() {
	if w != nil {
		_ = w.server.Close()
	}
}

// exchange is one request with what was answered.
type exchange struct {
	http.ResponseWriter
	request  *http.Request
	sent     []byte // of the request's body, as far as the server took it
	answered bytes.Buffer
	status   int
}

// Unwrap is for http.ResponseController.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

func (x *exchange) WriteHeader(status int) {
	if x.status == 0 && status >= http.StatusOK {
		x.status = status
	}
	x.ResponseWriter.WriteHeader(status)
}

func (x *exchange) Write(b []byte) (int, error) {
	keep(&x.answered, b)
	return x.ResponseWriter.Write(b)
}

// tee copies what is read. A server may answer before it has read all: then the
// rest is still on its way.
type tee struct {
	io.ReadCloser
	mu   sync.Mutex
	copy bytes.Buffer // guarded by mu
}

func (t *tee) Read(b []byte) (int, error) {
	n, err := t.ReadCloser.Read(b)
	t.mu.Lock()
	defer t.mu.Unlock()
	keep(&t.copy, b[:n])
	return n, err
}

// seen is what was read until now.
func (t *tee) seen() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return bytes.Clone(t.copy.Bytes())
}

// keep adds b to what is compared, one byte more than that at most.
func keep(to *bytes.Buffer, b []byte) {
	to.Write(b[:min(len(b), maxChecked+1-to.Len())])
}
