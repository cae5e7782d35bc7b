package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"github.com/gowhisk/gowhisk/internal/config"
	"github.com/gowhisk/gowhisk/internal/fault"
)

// listen opens the API's address. If it is taken the error is
// fault.PortInUse and names the program that has it.
func listen(ctx context.Context, address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, portInUse(address, err)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return l, nil
}

func portInUse(address string, cause error) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return cause
	}
	values := map[string]string{"port": port, "program": "another program", "free": address}
	if n, err := strconv.ParseUint(port, 10, 16); err == nil {
		if n < 65535 {
			values["free"] = net.JoinHostPort(host, strconv.FormatUint(n+1, 10))
		}
		if p, ok := portOwner(uint16(n)); ok {
			values["program"] = fmt.Sprintf("'%s' (pid %d)", p.command, p.pid)
			values["pid"] = strconv.Itoa(p.pid)
		}
	}
	return fault.New(fault.PortInUse, "", values, cause)
}

// secure wraps the listener in TLS where the settings ask for it.
func secure(l net.Listener, c config.Config) (net.Listener, error) {
	if c.TLS.Cert == "" && !c.TLS.SelfSigned {
		return l, nil
	}
	cert, err := certificate(c)
	if err != nil {
		return nil, err
	}
	return tls.NewListener(l, &tls.Config{
		Certificates: []tls.Certificate{cert},
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"h2", "http/1.1"},
	}), nil
}

func certificate(c config.Config) (tls.Certificate, error) {
	if c.TLS.SelfSigned {
		return ownCertificate(c.DataDir, c.Listen, c.TLS.Names)
	}
	cert, err := tls.LoadX509KeyPair(c.TLS.Cert, c.TLS.Key)
	if err != nil {
		return cert, fmt.Errorf("certificate: %w", err)
	}
	return cert, nil
}
