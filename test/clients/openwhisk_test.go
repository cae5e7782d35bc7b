package clients

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/test/live"
)

// TestOpenwhiskFromNPM is the JavaScript client.
func TestOpenwhiskFromNPM(t *testing.T) {
	s := newSuite(t, "openwhisk")
	server := live.Start(t, t.TempDir()+"/data", plenty...)
	secure := live.Start(t, t.TempDir()+"/data", append([]string{"--tls-self-signed"}, plenty...)...)
	cert, key := clientCertificate(t)
	s.runNode("openwhisk-*.test.js",
		"GOWHISK_URL="+server.URL, "GOWHISK_KEY="+server.Key,
		"GOWHISK_TLS_URL="+secure.URL, "GOWHISK_TLS_KEY="+secure.Key,
		"CLIENT_CERT="+cert, "CLIENT_KEY="+key, "HOME="+t.TempDir())
}

// plenty are limits that no client reaches.
var plenty = []string{"--invocations-per-minute", "100000", "--fires-per-minute", "100000"}

// clientCertificate writes a certificate and its key as a client has them.
func clientCertificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "client"}, NotAfter: time.Now().Add(time.Hour),
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return writePEM(t, "CERTIFICATE", signed), writePEM(t, "PRIVATE KEY", secret)
}

func writePEM(t *testing.T, kind string, der []byte) string {
	t.Helper()
	path := t.TempDir() + "/" + kind
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
