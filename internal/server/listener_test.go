package server

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/config"
	"github.com/gowhisk/gowhisk/internal/fault"
)

func TestTakenPortNamesTheProgramThatHasIt(t *testing.T) {
	first, err := listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	_, err = listen(t.Context(), first.Addr().String())
	if fault.CodeOf(err) != fault.PortInUse {
		t.Fatalf("got %v", err)
	}
	_, port, _ := net.SplitHostPort(first.Addr().String())
	n, _ := strconv.Atoi(port)
	for _, want := range []string{port, "(pid " + strconv.Itoa(os.Getpid()) + ")", "--listen 127.0.0.1:" + strconv.Itoa(n+1)} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in:\n%v", want, err)
		}
	}
}

func TestOwnCertificateServesEveryNameAndIsKept(t *testing.T) {
	dir := t.TempDir()
	c := config.Config{DataDir: dir, Listen: "127.0.0.1:0", TLS: config.TLS{SelfSigned: true, Names: []string{"faas.example", "10.1.2.3"}}}
	plain, err := listen(t.Context(), c.Listen)
	if err != nil {
		t.Fatal(err)
	}
	secured, err := secure(plain, c)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "pong") })}
	done := make(chan error, 1)
	go func() { done <- server.Serve(secured) }()
	defer func() { server.Close(); <-done }()

	pem, err := os.ReadFile(filepath.Join(dir, "tls-cert.pem"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	for _, name := range []string{"127.0.0.1", "localhost", "faas.example", "10.1.2.3"} {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: name}}}
		resp, err := client.Get("https://" + plain.Addr().String() + "/ping")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		resp.Body.Close()
		client.CloseIdleConnections()
	}

	if _, err := ownCertificate(dir, c.Listen, c.TLS.Names); err != nil {
		t.Fatal(err)
	}
	again, _ := os.ReadFile(filepath.Join(dir, "tls-cert.pem"))
	if string(again) != string(pem) {
		t.Error("the certificate was made anew although it serves")
	}
	if _, err := ownCertificate(dir, c.Listen, []string{"other.example"}); err != nil {
		t.Fatal(err)
	}
	if changed, _ := os.ReadFile(filepath.Join(dir, "tls-cert.pem")); string(changed) == string(pem) {
		t.Error("the certificate was kept although a name is new")
	}
	if info, err := os.Stat(filepath.Join(dir, "tls-key.pem")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file: %v, %v", info, err)
	}
}
