package actionproxy

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/webaction"
)

// What a web action that belongs to a server does not get to see, as at that server's API.
const (
	longestURL  = 8 << 10 // OpenWhisk 1.2.1
	mostInBody  = 1 << 20
	mostNesting = 9_900

	faultHeader = "X-Gowhisk-Error"
)

// ofServer reports whether requests are answered to the letter as at the API of a server.
func (x *exchange) ofServer(a *Action) bool { return x.k.opts.Home != nil && a != nil && a.web() }

// edge answers what the API of the server answers without having looked at the action.
func (x *exchange) edge(found bool) (answered bool) {
	if len(x.r.RequestURI) > longestURL {
		webaction.AllowOrigins(x.Header(), nil)
		x.Header()["Access-Control-Allow-Methods"] = []string{"GET, DELETE, POST, PUT, HEAD"}
		x.refuse(http.StatusRequestURITooLong, fmt.Sprintf("URI length exceeds the configured limit of %d characters", longestURL))
		return true
	}
	if found || !strings.HasPrefix(x.r.URL.Path, webPrefix) {
		return false
	}
	webaction.AllowOrigins(x.Header(), x.r.Header["Access-Control-Request-Headers"])
	if x.r.Method == http.MethodOptions { // OpenWhisk 1.5.2
		x.Header().Set("Content-Type", "text/plain; charset=UTF-8")
		send(x, http.StatusOK, []byte("OK"))
		return true
	}
	x.Header().Set(faultHeader, fault.NotFound)
	respond(x, failedWeb(http.StatusNotFound, "The requested resource does not exist.", x.transaction))
	return true
}

// tooBig answers for a body that is longer than arguments may be. OpenWhisk 4.1.13.
func (x *exchange) tooBig() bool {
	if len(x.body) <= mostInBody {
		return false
	}
	webaction.AllowOrigins(x.Header(), x.r.Header["Access-Control-Request-Headers"])
	x.Header().Set(faultHeader, fault.PayloadTooBig)
	respond(x, failedWeb(http.StatusRequestEntityTooLarge,
		fmt.Sprintf("Request larger than allowed: %d > %d bytes.", len(x.body), mostInBody), x.transaction))
	return true
}

func failedWeb(status int, message, transaction string) Answer {
	return Answer{Status: status, Body: webaction.ErrorBody(message, transaction)}
}

// explain names the stable code of a refusal, or of a result that cannot be sent.
func (x *exchange) explain(e *webaction.Error, ran bool) {
	code := ""
	switch {
	case errors.Is(e, webaction.ErrUnauthorized):
		code = fault.WebProtected
	case errors.Is(e, webaction.ErrReserved):
		code = fault.ProtectedParam
	case errors.Is(e, webaction.ErrFailed):
		code = fault.WebFailed
	case e.Rejected && e.Status == http.StatusBadRequest:
		code = fault.Malformed
	case ran && e.Status != http.StatusNotAcceptable:
		code = fault.WebResult
	}
	if code != "" {
		x.Header().Set(faultHeader, code)
	}
}

// tooDeep reports whether valid JSON is nested deeper than the server's own documents may be.
func tooDeep(args []byte) bool {
	if bytes.Count(args, []byte{'{'})+bytes.Count(args, []byte{'['}) <= mostNesting {
		return false
	}
	depth := 0
	for i := 0; i < len(args); i++ {
		switch args[i] {
		case '"':
			for i++; i < len(args) && args[i] != '"'; i++ {
				if args[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			if depth++; depth > mostNesting {
				return true
			}
		case '}', ']':
			depth--
		}
	}
	return false
}
