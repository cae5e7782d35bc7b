package imagebuild_test

import (
	"archive/tar"
	"crypto/x509"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/gowhisk/gowhisk/internal/imagebuild"
)

// The programs of these tests stand for gowhisk as well: what is told apart is their architecture.
func serverSpec() imagebuild.ServerSpec {
	return imagebuild.ServerSpec{Binaries: []string{proxies.amd64, proxies.arm64}, Version: "1.2.3"}
}

func TestTheImageOfTheServerHasWhatItNeedsAndNoMore(t *testing.T) {
	w := newWorld(t)
	spec := serverSpec()
	spec.Binaries = spec.Binaries[:1]
	ref := w.push(w.Server(spec))
	files := w.files(ref)
	for _, name := range []string{"usr/bin/gowhisk", "usr/bin/actionproxy", "usr/bin/actionproxy-linux-arm64", "etc/ssl/certs/ca-certificates.crt", "etc/passwd"} {
		if files[name] == "" {
			t.Errorf("%s is missing", name)
		}
	}
	if roots := x509.NewCertPool(); !roots.AppendCertsFromPEM([]byte(files["etc/ssl/certs/ca-certificates.crt"])) {
		t.Error("the roots are no certificates")
	}
	c := w.config(ref)
	if c.User != "65532:65532" || !slices.Equal(c.Entrypoint, []string{"/usr/bin/gowhisk"}) || c.Labels[imagebuild.LabelVersion] != "1.2.3" || !slices.Contains(c.Env, "GOWHISK_DATA_DIR=/data/gowhisk") {
		t.Errorf("configuration: %+v", c)
	}
	if owner := w.owners(ref); owner["data"] != 65532 || owner["usr/bin/gowhisk"] != 0 {
		t.Errorf("owners: %v", owner)
	}
}

// owners are the numbers of the users that files of an image belong to.
func (w *world) owners(ref string) map[string]int {
	w.t.Helper()
	content := mutate.Extract(w.pull(ref))
	defer content.Close()
	found := map[string]int{}
	for archive := tar.NewReader(content); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			w.t.Fatal(err)
		}
		found[h.Name] = h.Uid
	}
}

func TestTheSameServerHasTheSameDigestOnEveryPlatformItIsGivenFor(t *testing.T) {
	w := newWorld(t)
	var digests []string
	for range 2 {
		image, err := w.builder("").Server(serverSpec())
		if err != nil {
			t.Fatal(err)
		}
		digest, err := image.Digest()
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, digest.String())
		if got := image.Platforms(); !slices.Equal(got, []string{"linux/amd64", "linux/arm64"}) {
			t.Errorf("platforms: %v", got)
		}
	}
	if digests[0] != digests[1] {
		t.Errorf("two builds of one input: %v", digests)
	}
}

func TestAServerThatWouldNotStartIsRefused(t *testing.T) {
	w := newWorld(t)
	spec := serverSpec()
	spec.Binaries = nil
	spec.Platforms = []v1.Platform{{OS: "linux", Architecture: "riscv64"}}
	if _, err := w.Server(spec); err == nil || !strings.Contains(err.Error(), "GOARCH=riscv64") {
		t.Errorf("without a program: %v", err)
	}
	spec.Binaries = []string{"server_test.go"}
	if _, err := w.Server(spec); err == nil || !strings.Contains(err.Error(), "server_test.go") {
		t.Errorf("with a text: %v", err)
	}
}
