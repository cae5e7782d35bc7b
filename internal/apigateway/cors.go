package apigateway

import "net/http"

// answersPreflight reports whether the gateway answers the request itself, as
// it does for OPTIONS unless the API leaves CORS to its actions.
func (r *route) answersPreflight(req *http.Request) bool {
	return req.Method == http.MethodOptions && r.cors != nil && *r.cors
}

// preflight allows what is asked for. OpenWhisk 7.3.6.
func preflight(w http.ResponseWriter, r *http.Request) {
	if wanted := r.Header.Get("Access-Control-Request-Headers"); wanted != "" {
		w.Header().Set("Access-Control-Allow-Headers", wanted)
	}
	w.WriteHeader(http.StatusOK)
}

// answering puts the API's headers for CORS in place of those of its actions,
// if the API says how it wants them.
func (r *route) answering(w http.ResponseWriter, req *http.Request) http.ResponseWriter {
	if r.cors == nil {
		return w
	}
	return &corsWriter{ResponseWriter: w, origin: req.Header.Get("Origin"), allowed: *r.cors}
}

// corsWriter sets the headers when the header is written.
type corsWriter struct {
	http.ResponseWriter
	origin  string // of the request, "" for none
	allowed bool
	written bool
}

// Unwrap is for http.ResponseController.
func (w *corsWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader sends the headers.
func (w *corsWriter) WriteHeader(status int) {
	if !w.written && status >= http.StatusOK {
		w.written = true
		w.replace(w.Header())
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *corsWriter) Write(p []byte) (int, error) {
	if !w.written {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(p)
}

// replace follows OpenWhisk's gateway: the origin is allowed by name, so that
// a browser may send credentials.
func (w *corsWriter) replace(h http.Header) {
	if !w.allowed {
		for _, name := range []string{"Origin", "Methods", "Headers", "Credentials"} {
			h.Del("Access-Control-Allow-" + name)
		}
		h.Del("Access-Control-Expose-Headers")
		h.Del("Access-Control-Max-Age")
		return
	}
	origin := "*"
	if w.origin != "" {
		origin = w.origin
		h.Add("Vary", "Origin")
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, PATCH, HEAD, OPTIONS")
	h.Set("Access-Control-Allow-Credentials", "true")
}
