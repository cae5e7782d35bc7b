package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
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

// listeners are those of the API. Each has all of it; the first is where
// Config.Listen says, the others are for those who cannot use that one.
type listeners []net.Listener

// listenForAPI opens them, and says which c.Listen is if the kernel chose it.
// With an address of its own for HTTPS the first does not encrypt, and actions
// use it.
func listenForAPI(ctx context.Context, c *config.Config, log *slog.Logger) (_ listeners, err error) {
	plain, err := listen(ctx, c.Listen)
	if err != nil {
		return nil, err
	}
	all := listeners{plain}
	defer func() {
		if err != nil {
			err = errors.Join(err, all.close())
		}
	}()
	c.Listen = plain.Addr().String()
	if !encrypts(*c) {
		return all, nil
	}
	secure, err := newTLS(*c, log)
	if err != nil {
		return nil, err
	}
	if c.TLS.Listen == "" {
		all[0] = tls.NewListener(plain, secure)
		return all, nil
	}
	l, err := listen(ctx, c.TLS.Listen)
	if err != nil {
		return nil, err
	}
	c.TLS.Listen = l.Addr().String()
	all = append(all, tls.NewListener(l, secure))
	return all, nil
}

func (l listeners) close() error {
	errs := make([]error, len(l))
	for i, one := range l {
		errs[i] = one.Close()
	}
	return errors.Join(errs...)
}
