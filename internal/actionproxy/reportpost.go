package actionproxy

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
)

// errRefused: the server will never take it.
var errRefused = errors.New("the server refuses it")

// post returns the answer to one request; the error wraps errRefused if another would be answered the
// same. It does without http.Client, which would make the program, and all images, a good deal larger.
func (h *Home) post(ctx context.Context, path string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, reportTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.opts.URL+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errRefused, err)
	}
	req.Header.Set("Authorization", "Bearer "+h.opts.Key)
	req.Header.Set(PodHeader, h.opts.Name)
	req.Header.Set("Content-Type", "application/json")
	req.Close = true
	conn, err := dialHome(ctx, req)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(aLongTimeAgo) })()
	if err := req.Write(conn); err != nil {
		return nil, fmt.Errorf("send to the server: %w", err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), req)
	if err != nil {
		return nil, fmt.Errorf("read the server's answer: %w", err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	said := fmt.Sprintf("status %d: %s", res.StatusCode, text[:min(len(text), 300)])
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the server's answer: %w", err)
	case res.StatusCode == http.StatusOK || res.StatusCode == http.StatusNoContent:
		return text, nil
	case res.StatusCode == http.StatusBadRequest, res.StatusCode == http.StatusUnauthorized, res.StatusCode == http.StatusRequestEntityTooLarge:
		return nil, fmt.Errorf("%w: %s", errRefused, said)
	}
	return nil, errors.New(said)
}

func dialHome(ctx context.Context, req *http.Request) (net.Conn, error) {
	address, secure := req.URL.Host, req.URL.Scheme == "https"
	if req.URL.Port() == "" {
		address = net.JoinHostPort(req.URL.Hostname(), map[bool]string{false: "80", true: "443"}[secure])
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil || !secure {
		return conn, err
	}
	encrypted := tls.Client(conn, &tls.Config{ServerName: req.URL.Hostname(), MinVersion: tls.VersionTLS12})
	if err := encrypted.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return encrypted, nil
}
