package knative

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/invoker"
	"github.com/gowhisk/gowhisk/internal/protocol"
)

// lostError says that a request may have reached the action, and no answer came.
type lostError struct {
	why    string
	waited bool // somebody on the way gave up waiting
}

func (e *lostError) Error() string { return "no answer of the action: " + e.why }

// newClient is for requests into the cluster; with an ingress all of them enter there. Over HTTPS a
// Service is believed that roots certify.
func newClient(ingress *url.URL, roots *x509.CertPool) *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}
	t := &http.Transport{
		DialContext: dialer.DialContext, MaxIdleConns: 1000, MaxIdleConnsPerHost: 200, IdleConnTimeout: time.Minute,
		DisableCompression: true, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, TLSHandshakeTimeout: 10 * time.Second,
	}
	if ingress != nil {
		entry := ingress.Host
		if ingress.Port() == "" {
			entry = net.JoinHostPort(ingress.Hostname(), "80")
		}
		t.MaxIdleConnsPerHost = 1000
		t.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, entry)
		}
	}
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// grace is how much longer than the cluster does we wait for an answer.
const grace = 30 * time.Second

// send sends the activation until it has reached the action, or patient ends, or the Service is another
// version's. The error is a *lostError if it may have reached it.
func (b *Backend) send(ctx, patient context.Context, t target, msg *invoker.Message) (actionproxy.ActivationAnswer, error) {
	const most = time.Second
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, most) {
		answer, reached, err := b.attempt(ctx, t, msg)
		if reached || err == nil {
			return answer, err
		}
		if now, _ := b.services.get(t.service); now == nil || !now.is(t.plan) {
			return answer, errors.Join(errSuperseded, err)
		}
		b.opt.Logger.Debug("a request did not reach the action and is sent again", "activation", msg.ID, "revision", t.revision(), "error", err)
		again := time.NewTimer(pause)
		select {
		case <-again.C:
		case <-patient.Done():
			again.Stop()
			return answer, errors.Join(context.Cause(patient), err)
		}
	}
}

// call is how a pod is reached, one way or the other.
type call struct {
	client    *http.Client
	scheme    string // empty for http
	host, key string
	init      []byte        // the action as JSON, for a stem cell; else nil
	longest   time.Duration // that the answer may take
	judge     func(*http.Response, []byte) (reached bool, err error)
}

// scheme is how the address of a Service is spoken to; at an ingress, as that is.
func (b *Backend) scheme(address *url.URL) string {
	if b.opt.Ingress != nil {
		return b.opt.Ingress.Scheme
	}
	return address.Scheme
}

// attempt sends the request to the Service once. reached is false only if it certainly did not reach the
// action.
func (b *Backend) attempt(ctx context.Context, t target, msg *invoker.Message) (answer actionproxy.ActivationAnswer, reached bool, err error) {
	return b.call(ctx, call{client: b.client, scheme: b.scheme(t.url), host: t.url.Host, key: b.key(t.plan), longest: longestRequest * time.Second, judge: refused}, msg)
}

func (b *Backend) call(ctx context.Context, c call, msg *invoker.Message) (answer actionproxy.ActivationAnswer, reached bool, err error) {
	var wrote atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaderField: func(string, []string) { wrote.Store(true) }})
	bounded, cancel := context.WithTimeout(ctx, c.longest+grace)
	defer cancel()
	req, err := b.request(bounded, c, msg)
	if err != nil {
		return answer, true, err
	}
	res, err := c.client.Do(req)
	if err != nil {
		if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok { // it will not become better
			return answer, true, fmt.Errorf("the setting knative.ca does not name who certifies %s: %w", c.host, err)
		}
		if !wrote.Load() {
			return answer, false, err
		}
		return answer, true, &lostError{why: err.Error(), waited: bounded.Err() != nil && ctx.Err() == nil}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 2*actionproxy.MaxAnswer))
	if err != nil {
		return answer, true, &lostError{why: fmt.Sprintf("status %d, then %v", res.StatusCode, err)}
	}
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != actionproxy.ActivationMediaType {
		reached, err = c.judge(res, body)
		return answer, reached, err
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return answer, true, &lostError{why: "the answer cannot be read: " + err.Error()}
	}
	return answer, true, nil
}

// request is the activation in the form that actionproxy has for us. It has no deadline: the pod sets
// it by its own clock when the run begins.
func (b *Backend) request(ctx context.Context, c call, msg *invoker.Message) (*http.Request, error) {
	at := url.URL{Scheme: cmp.Or(c.scheme, "http"), Host: c.host, Path: "/"}
	body, media := []byte(msg.Args), "application/json"
	if c.init != nil {
		body, media = withInit(c.init, msg.Args), actionproxy.InitMediaType
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", c.host, err)
	}
	a := msg.Action
	h := req.Header
	h.Set("Accept", actionproxy.ActivationMediaType)
	h.Set("Authorization", "Bearer "+c.key)
	h.Set("Content-Type", media)
	for member, value := range map[string]string{
		"Activation-Id": string(msg.ID), "Transaction-Id": msg.Transaction, "Namespace": msg.Identity.Namespace.Name,
		"Action-Name": "/" + a.Name.String(), "Action-Version": a.Version.String(),
	} {
		h.Set(actionproxy.ActivationHeader+member, value)
	}
	if msg.Trace.Parent != "" {
		h.Set(protocol.TraceParent, msg.Trace.Parent)
	}
	if msg.Trace.State != "" {
		h.Set(protocol.TraceState, msg.Trace.State)
	}
	if a.WantsAPIKey() {
		h.Set(actionproxy.ActivationHeader+"Api-Key", msg.Identity.AuthKey())
	}
	if b.opt.APIHost != "" {
		h.Set(actionproxy.ActivationHeader+"Api-Host", b.opt.APIHost)
	}
	if given := ownEnv(msg); len(given) > 0 {
		text, err := json.Marshal(given)
		if err != nil {
			return nil, fmt.Errorf("call %s: %w", c.host, err)
		}
		h.Set(actionproxy.InitEnvHeader, string(text))
	}
	return req, nil
}

// ownEnv is what an init that the activation brings about finds otherwise than the action's parameters say,
// because the caller sent it. OpenWhisk 3.2.3.
func ownEnv(msg *invoker.Message) map[string]string {
	env := maps.Clone(msg.Env)
	maps.DeleteFunc(env, func(key, _ string) bool { return strings.HasPrefix(key, "__OW_") })
	for _, p := range msg.Action.Parameters {
		if value, ok := env[p.Key]; ok && p.Init && value == textOf(p.Value) {
			delete(env, p.Key)
		}
	}
	return env
}

// refused judges an answer that is not the action's, by who gave it. An error that is no *lostError says
// that the request did not reach the action; reached is true then if sending it again is of no use.
func refused(res *http.Response, body []byte) (reached bool, err error) {
	said := strings.TrimSpace(string(body[:min(len(body), 300)]))
	why := fmt.Sprintf("status %d: %s", res.StatusCode, said)
	switch {
	case res.StatusCode == http.StatusUnauthorized, // a pod of another version
		res.StatusCode == http.StatusNotFound, // no route yet
		notConnected(res.StatusCode, said):
		return false, errors.New(why)
	case res.Header.Get(actionproxy.RefusedHeader) != "": // the proxy, which does not have its action or cannot take more
		return res.StatusCode != http.StatusServiceUnavailable && res.StatusCode != http.StatusForbidden, errors.New(why)
	}
	return true, &lostError{why: why, waited: res.StatusCode == http.StatusGatewayTimeout}
}

// notConnected reports whether Knative or its ingress says that there was nobody to pass a request to.
// What they say of a connection that broke is not among it, nor is silence: but for the status 500, with
// which activator and queue-proxy alone say that they know no pod to choose.
func notConnected(status int, said string) bool {
	switch status {
	case http.StatusInternalServerError:
		return said == "" || strings.HasPrefix(said, "Error getting active endpoint: ")
	case http.StatusServiceUnavailable, http.StatusBadGateway:
	default:
		return false
	}
	for _, words := range []string{
		"no healthy upstream", "pending request queue full", "activator overload", "dial tcp", "connection refused", "no route to host",
		"reset reason: connection failure", "reset reason: remote connection failure", "reset reason: local connection failure",
		"reset reason: connection timeout", "reset reason: overflow", "delayed connect error",
	} {
		if strings.Contains(said, words) {
			return true
		}
	}
	return status == http.StatusServiceUnavailable && said == context.DeadlineExceeded.Error()
}
