// Package certificate has the certificates that a server shows: its own, which
// it renews, or one in files, which it reads again when they have changed.
// Neither needs a restart.
package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// The authority is what clients trust, so it stays; what it signs is renewed
// in good time.
const (
	authorityLife = 10 * 365 * 24 * time.Hour
	leafLife      = 90 * 24 * time.Hour
	leafRenew     = 30 * 24 * time.Hour
)

// Files of the authority in the data directory.
const (
	AuthorityFile = "tls-cert.pem" // what clients trust
	keyFile       = "tls-key.pem"
)

// Own is an authority of a data directory and the certificate that it signs.
// It is safe for concurrent use.
type Own struct {
	dir   string
	names []string
	now   func() time.Time

	mu        sync.RWMutex
	authority tls.Certificate  // guarded by mu
	leaf      *tls.Certificate // guarded by mu
}

// NewOwn makes the authority in dir unless it is there, and a certificate for
// names, which are host names and IP addresses.
func NewOwn(dir string, names []string, now func() time.Time) (*Own, error) {
	o := &Own{dir: dir, names: names, now: now}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o, o.renew()
}

// Get is the certificate that holds now, for tls.Config.GetCertificate.
func (o *Own) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	now := o.now()
	o.mu.RLock()
	leaf := o.leaf
	o.mu.RUnlock()
	if fresh(leaf, now) {
		return leaf, nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if fresh(o.leaf, now) { // somebody was faster
		return o.leaf, nil
	}
	if err := o.renew(); err != nil && !now.Before(o.leaf.Leaf.NotAfter) {
		return nil, err
	}
	return o.leaf, nil
}

func fresh(leaf *tls.Certificate, now time.Time) bool {
	return leaf.Leaf.NotAfter.Sub(now) > leafRenew && !now.Before(leaf.Leaf.NotBefore)
}

// renew signs a certificate, by an authority that outlives it.
func (o *Own) renew() error {
	now := o.now()
	authority, err := o.load(now)
	if err != nil {
		return err
	}
	leaf, err := sign(authority, o.names, now)
	if err != nil {
		return fmt.Errorf("make certificate: %w", err)
	}
	o.authority, o.leaf = authority, &leaf
	return nil
}

// load reads the authority, or makes one.
func (o *Own) load(now time.Time) (tls.Certificate, error) {
	if usable(o.authority.Leaf, now) {
		return o.authority, nil
	}
	certFile, keyFile := filepath.Join(o.dir, AuthorityFile), filepath.Join(o.dir, keyFile)
	if kept, err := tls.LoadX509KeyPair(certFile, keyFile); err == nil && usable(kept.Leaf, now) {
		return kept, nil
	}
	certPEM, keyPEM, err := newAuthority(now)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make certificate: %w", err)
	}
	if err := errors.Join(os.WriteFile(keyFile, keyPEM, 0o600), os.WriteFile(certFile, certPEM, 0o644)); err != nil {
		return tls.Certificate{}, fmt.Errorf("keep certificate: %w", err)
	}
	return tls.X509KeyPair(certPEM, keyPEM)
}

// usable tells whether an authority can sign a whole life of a certificate.
func usable(authority *x509.Certificate, now time.Time) bool {
	return authority != nil && authority.IsCA && authority.NotAfter.Sub(now) > leafLife && !now.Before(authority.NotBefore)
}
