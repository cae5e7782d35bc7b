package server

import (
	"context"
	"net"
	"strings"

	"github.com/gowhisk/gowhisk/internal/config"
)

// innerListener is where actions reach a server whose own certificate they
// could not check: without TLS, on the loopback of this machine. The zero
// value is none.
type innerListener struct{ net.Listener }

// listenForActions opens an inner listener if actions need one.
func listenForActions(ctx context.Context, c config.Config) (innerListener, error) {
	if c.APIHost != "" || !encrypts(c) || c.TLS.Listen != "" {
		return innerListener{}, nil
	}
	l, err := listen(ctx, "127.0.0.1:0")
	return innerListener{l}, err
}

func (l innerListener) close() error {
	if l.Listener == nil {
		return nil
	}
	return l.Listener.Close()
}

// actionURL is where actions reach the API: the URL that the operator names,
// the inner listener, or the first one.
func actionURL(c config.Config, inner innerListener) string {
	switch {
	case inner.Listener != nil:
		return "http://" + inner.Addr().String()
	case c.APIHost != "":
		return strings.TrimSuffix(c.APIHost, "/")
	}
	return listenURL(c)
}
