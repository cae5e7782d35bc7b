package certificate

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"
)

// Files is a certificate that somebody else keeps in files and replaces
// there. It is safe for concurrent use.
type Files struct {
	cert, key string
	complain  func(error)

	mu      sync.Mutex
	read    [2]time.Time     // when the files were written that were read; guarded by mu
	current *tls.Certificate // guarded by mu
}

// NewFiles reads the files, which are in PEM, the certificate with those
// between it and its root. complain is told when later ones cannot be read:
// those before stay.
func NewFiles(cert, key string, complain func(error)) (*Files, error) {
	f := &Files{cert: cert, key: key, complain: complain}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f, f.reload()
}

// Get is the certificate that is in the files now, for
// tls.Config.GetCertificate.
func (f *Files) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.written() != f.read {
		if err := f.reload(); err != nil {
			f.complain(err)
		}
	}
	return f.current, nil
}

func (f *Files) reload() error {
	at := f.written()
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		f.read = at // nothing to see until they are written again
		return fmt.Errorf("certificate: %w", err)
	}
	f.current, f.read = &pair, at
	return nil
}

// written is when the files were written; zero for one that is not there.
func (f *Files) written() (at [2]time.Time) {
	for i, name := range []string{f.cert, f.key} {
		if info, err := os.Stat(name); err == nil {
			at[i] = info.ModTime()
		}
	}
	return at
}
