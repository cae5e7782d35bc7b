package controller

import "net/http"

// cors returns the headers of cross-origin requests. OpenWhisk 1.5.1, 1.1.11.
func cors(methods string) http.Header {
	return http.Header{
		"Access-Control-Allow-Origin":  {"*"},
		"Access-Control-Allow-Headers": {"Authorization, Origin, X-Requested-With, Content-Type, Accept, User-Agent"},
		"Access-Control-Allow-Methods": {methods},
	}
}
