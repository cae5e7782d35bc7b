package server

import (
	"crypto/tls"
	"log/slog"
	"net"
	"os"
	"slices"
	"time"

	"github.com/gowhisk/gowhisk/internal/certificate"
	"github.com/gowhisk/gowhisk/internal/config"
)

// encrypts tells whether the settings ask for TLS.
func encrypts(c config.Config) bool { return c.TLS.Cert != "" || c.TLS.SelfSigned }

// newTLS is how connections are encrypted: with the certificate that holds at
// the time of each.
func newTLS(c config.Config, log *slog.Logger) (*tls.Config, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	if c.TLS.SelfSigned {
		address := c.Listen
		if c.TLS.Listen != "" {
			address = c.TLS.Listen
		}
		own, err := certificate.NewOwn(c.DataDir, certificateNames(address, c.TLS.Names), time.Now)
		if err != nil {
			return nil, err
		}
		t.GetCertificate = own.Get
		return t, nil
	}
	files, err := certificate.NewFiles(c.TLS.Cert, c.TLS.Key, func(err error) {
		log.Error("the certificate was replaced by one that cannot be read; the one before stays", "error", err)
	})
	if err != nil {
		return nil, err
	}
	t.GetCertificate = files.Get
	return t, nil
}

// certificateNames are the names that clients may use: those given, the
// listening host, and this machine's own.
func certificateNames(address string, given []string) (names []string) {
	for _, name := range append([]string{"localhost", "127.0.0.1", "::1"}, append(given, ownNames(address)...)...) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func ownNames(address string) (names []string) {
	host, _, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && host != "" && (ip == nil || !ip.IsUnspecified()) {
		return []string{host}
	}
	if name, err := os.Hostname(); err == nil {
		names = append(names, name)
	}
	if addresses, err := net.InterfaceAddrs(); err == nil {
		for _, a := range addresses {
			if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
				names = append(names, n.IP.String())
			}
		}
	}
	return names
}
