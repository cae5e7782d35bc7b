package server

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gowhisk/gowhisk/internal/certificate"
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

// TestOneListenerIsForActionsAndAnotherEncrypts is what a cluster needs: pods
// do not know the authority.
func TestOneListenerIsForActionsAndAnotherEncrypts(t *testing.T) {
	for _, row := range []struct{ name, second string }{{"one", ""}, {"two", "127.0.0.1:0"}} {
		t.Run(row.name, func(t *testing.T) {
			c := config.Config{DataDir: t.TempDir(), Listen: "127.0.0.1:0", TLS: config.TLS{SelfSigned: true, Listen: row.second, Names: []string{"faas.example", "10.1.2.3"}}}
			all, err := listenForAPI(t.Context(), &c, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "pong") })}
			var serving sync.WaitGroup
			for _, l := range all {
				serving.Go(func() { server.Serve(l) })
			}
			defer func() { server.Close(); serving.Wait() }()
			if row.second != "" {
				if got := ask(t, http.DefaultClient, listenURL(c)); got != "pong" || actionURL(c, innerListener{}) != listenURL(c) {
					t.Errorf("the listener without TLS says %q; actions use %s", got, actionURL(c, innerListener{}))
				}
			} else if !strings.HasPrefix(listenURL(c), "https://") {
				t.Errorf("the only listener is %s", listenURL(c))
			}
			for _, name := range []string{"127.0.0.1", "localhost", "faas.example", "10.1.2.3"} {
				client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted(t, c.DataDir), ServerName: name}}}
				if got := ask(t, client, "https://"+all[len(all)-1].Addr().String()); got != "pong" {
					t.Errorf("%s: %s", name, got)
				}
				client.CloseIdleConnections()
			}
		})
	}
}

func trusted(t *testing.T, dataDir string) *x509.CertPool {
	t.Helper()
	pem, err := os.ReadFile(filepath.Join(dataDir, certificate.AuthorityFile))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return roots
}

// ask returns what a client gets, be it an error.
func ask(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	resp, err := client.Get(url + "/ping")
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func TestTheNamesOfTheCertificateAreThoseThatClientsUse(t *testing.T) {
	if got := certificateNames("10.9.9.9:443", []string{"faas.example"}); !slices.Equal(got, []string{"localhost", "127.0.0.1", "::1", "faas.example", "10.9.9.9"}) {
		t.Errorf("of one address: %v", got)
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	if got := certificateNames("0.0.0.0:443", nil); !slices.Contains(got, host) {
		t.Errorf("of every address: %v", got)
	}
}
