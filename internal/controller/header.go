package controller

import (
	"math/rand/v2"
	"net/http"
	"strings"
)

// maxTransactionID is the longest client's id that is taken over.
const maxTransactionID = 256

// transactionID is the client's X-Request-ID, or a new id where there is
// none or it claims to be the system's own. OpenWhisk 1.2.3.
func transactionID(h http.Header) string {
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

// cors returns the headers of cross-origin requests. OpenWhisk 1.5.1, 1.1.11.
func cors(methods string) http.Header {
	return http.Header{
		"Access-Control-Allow-Origin":  {"*"},
		"Access-Control-Allow-Headers": {"Authorization, Origin, X-Requested-With, Content-Type, Accept, User-Agent"},
		"Access-Control-Allow-Methods": {methods},
	}
}
