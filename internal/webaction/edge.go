package webaction

import (
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
)

// maxTransactionID is the longest client's id that is taken over.
const maxTransactionID = 256

// TransactionID is the client's X-Request-ID, or a new id where there is none
// or it claims to be the system's own. OpenWhisk 1.2.3.
func TransactionID(h http.Header) string {
	const system = "sid_"
	if id := h.Get("X-Request-ID"); id != "" && len(id) <= maxTransactionID && !strings.HasPrefix(id, system) {
		return id
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	var b [32]byte
	for i := range b {
		b[i] = alphabet[rand.IntN(len(alphabet))] // names a request, protects nothing
	}
	return string(b[:])
}

// EdgeHeader is the header of a request with what a proxy in front of
// OpenWhisk adds: who really called, and how. OpenWhisk 4.2.10.
func EdgeHeader(r *http.Request, transaction string) http.Header {
	h := make(http.Header, len(r.Header)+5)
	maps.Copy(h, r.Header)
	values := make([]string, 0, 5) // of one line each
	set := func(name, value string) {
		values = append(values, value)
		h[name] = values[len(values)-1 : len(values) : len(values)]
	}
	set("Host", r.Host)
	set("X-Request-Id", transaction)
	if h["X-Forwarded-Proto"] == nil {
		scheme := "http"
		if r.TLS != nil {
			scheme = "https"
		}
		set("X-Forwarded-Proto", scheme)
	}
	if peer, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		set("X-Real-Ip", peer)
		if before := r.Header.Get("X-Forwarded-For"); before != "" {
			peer = before + ", " + peer
		}
		set("X-Forwarded-For", peer)
	}
	return h
}
