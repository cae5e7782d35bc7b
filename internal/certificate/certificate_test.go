package certificate_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/certificate"
)

const day = 24 * time.Hour

// clock is a time that the test sets.
type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }

func newClock() *clock { return &clock{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)} }

func newOwn(t *testing.T, dir string, at *clock, names ...string) *certificate.Own {
	t.Helper()
	o, err := certificate.NewOwn(dir, names, at.now)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// trusted are the roots of a client that was given the file of the directory.
func trusted(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, certificate.AuthorityFile))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		t.Fatal("no certificate in the file that clients trust")
	}
	return roots
}

// shake has a client call the server by name; both have the clock.
func shake(t *testing.T, get func(*tls.ClientHelloInfo) (*tls.Certificate, error), roots *x509.CertPool, name string, at *clock) (*x509.Certificate, error) {
	t.Helper()
	left, right := net.Pipe()
	defer left.Close()
	defer right.Close()
	server := tls.Server(left, &tls.Config{GetCertificate: get})
	client := tls.Client(right, &tls.Config{RootCAs: roots, ServerName: name, Time: at.now})
	done := make(chan error, 1)
	go func() { done <- server.Handshake() }()
	err := client.Handshake()
	right.Close()
	<-done
	if err != nil {
		return nil, err
	}
	return client.ConnectionState().PeerCertificates[0], nil
}

func TestAYearLaterTheServerShowsACertificateThatItsFirstClientsTrust(t *testing.T) {
	dir, at := t.TempDir(), newClock()
	own := newOwn(t, dir, at, "10.2.3.4", "faas.example", "::1")
	roots := trusted(t, dir)
	first, err := shake(t, own.Get, roots, "10.2.3.4", at)
	if err != nil {
		t.Fatal(err)
	}
	for _, later := range []time.Duration{30 * day, 89 * day, 365 * day, 9 * 365 * day} {
		at.Time = first.NotBefore.Add(time.Hour + later)
		for _, name := range []string{"10.2.3.4", "faas.example", "::1"} {
			if _, err := shake(t, own.Get, roots, name, at); err != nil {
				t.Errorf("%s after %s: %v", name, later, err)
			}
		}
	}
	if _, err := shake(t, own.Get, roots, "10.2.3.5", at); err == nil {
		t.Error("a name that it has not is served")
	}
}

func TestACertificateIsRenewedAMonthBeforeItEnds(t *testing.T) {
	dir, at := t.TempDir(), newClock()
	own := newOwn(t, dir, at, "localhost")
	roots := trusted(t, dir)
	serial := func() string {
		t.Helper()
		cert, err := shake(t, own.Get, roots, "localhost", at)
		if err != nil {
			t.Fatal(err)
		}
		return cert.SerialNumber.String()
	}
	first := serial()
	at.Time = at.Add(59 * day)
	if serial() != first {
		t.Error("it is renewed early")
	}
	at.Time = at.Add(2 * day)
	second := serial()
	if second == first {
		t.Error("it is not renewed")
	}
	if serial() != second {
		t.Error("it is renewed again and again")
	}
}

func TestTheAuthorityStaysOverRestartsAndIsForItsOwnerOnly(t *testing.T) {
	dir, at := t.TempDir(), newClock()
	newOwn(t, dir, at, "one.example")
	roots := trusted(t, dir)
	at.Time = at.Add(365 * day)
	if _, err := shake(t, newOwn(t, dir, at, "two.example").Get, roots, "two.example", at); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(filepath.Join(dir, "tls-key.pem")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key: %v %v", info.Mode(), err)
	}
	at.Time = at.Add(10 * 365 * day)
	newOwn(t, dir, at, "two.example")
	if _, err := shake(t, newOwn(t, dir, at, "two.example").Get, trusted(t, dir), "two.example", at); err != nil {
		t.Errorf("with the authority that follows: %v", err)
	}
}

func TestADirectoryThatCannotBeWrittenIsAnError(t *testing.T) {
	if _, err := certificate.NewOwn(filepath.Join(t.TempDir(), "missing"), []string{"localhost"}, time.Now); err == nil {
		t.Error("no error")
	}
}

func TestFilesThatAreReplacedAreReadAgain(t *testing.T) {
	at := newClock()
	dir, next := t.TempDir(), t.TempDir()
	certs := map[string]string{dir: "", next: ""}
	for d := range certs {
		newOwn(t, d, at, "unused")
		certs[d] = string(read(t, filepath.Join(d, certificate.AuthorityFile)))
	}
	var complaints []error
	cert, key := filepath.Join(dir, certificate.AuthorityFile), filepath.Join(dir, "tls-key.pem")
	f, err := certificate.NewFiles(cert, key, func(err error) { complaints = append(complaints, err) })
	if err != nil {
		t.Fatal(err)
	}
	first, _ := f.Get(nil)
	write(t, cert, "broken", at.Add(day))
	for range 2 {
		if kept, err := f.Get(nil); err != nil || kept != first {
			t.Errorf("what cannot be read replaces what could: %v", err)
		}
	}
	if len(complaints) != 1 {
		t.Errorf("complaints: %v", complaints)
	}
	write(t, cert, string(read(t, filepath.Join(next, certificate.AuthorityFile))), at.Add(2*day))
	write(t, key, string(read(t, filepath.Join(next, "tls-key.pem"))), at.Add(2*day))
	if second, err := f.Get(nil); err != nil || second == first {
		t.Errorf("the new files are not read: %v", err)
	}
	if _, err := certificate.NewFiles("missing", "missing", nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without files: %v", err)
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func write(t *testing.T, name, text string, at time.Time) {
	t.Helper()
	if err := errors.Join(os.WriteFile(name, []byte(text), 0o600), os.Chtimes(name, at, at)); err != nil {
		t.Fatal(err)
	}
}
