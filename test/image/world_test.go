package image

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/gowhisk/gowhisk/internal/cli"
)

// programs are built once: the proxy, and a runtime that has nothing of ours.
var programs struct{ proxy, foreign string }

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "images")
	if err != nil {
		log.Fatal(err)
	}
	programs.proxy, programs.foreign = filepath.Join(dir, "actionproxy"), filepath.Join(dir, "foreign")
	for out, pkg := range map[string]string{programs.proxy: "../../cmd/actionproxy", programs.foreign: "./testdata/foreign"} {
		build := exec.Command("go", "build", "-trimpath", "-o", out, pkg)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if text, err := build.CombinedOutput(); err != nil {
			log.Fatalf("%v\n%s", err, text)
		}
	}
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		log.Fatal(err)
	}
	os.Exit(code)
}

// build runs gowhisk build, and returns the digest and the folder of the OCI layout.
func build(t *testing.T, args ...string) (digest, dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "layout")
	var stdout, stderr bytes.Buffer
	args = append(append([]string{"build"}, args...), "--oci-dir", dir, "--proxy", programs.proxy, "--cache", t.TempDir(), "--quiet")
	code := cli.Main(t.Context(), cli.Env{
		Args: args, Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr, LookupEnv: os.LookupEnv, Environ: os.Environ(), Version: "test",
	})
	if code != 0 {
		t.Fatalf("gowhisk %q ended with %d: %s", args, code, &stderr)
	}
	return strings.TrimSpace(stdout.String()), dir
}

// base writes an OCI layout of one layer with the files of this host, at the same places or, where
// there is a name, there.
func base(t *testing.T, files map[string]string, c v1.Config) string {
	t.Helper()
	var plain bytes.Buffer
	archive := tar.NewWriter(&plain)
	for name, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := archive.WriteHeader(&tar.Header{Name: strings.TrimPrefix(name, "/"), Mode: 0o755, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(plain.Bytes())), nil }, tarball.WithCompressionLevel(1))
	if err != nil {
		t.Fatal(err)
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Config = "linux", architecture(t), c
	if image, err = mutate.ConfigFile(image, config); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "base")
	p, err := layout.Write(dir, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.AppendImage(image); err != nil {
		t.Fatal(err)
	}
	return dir
}

func architecture(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOARCH").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// container starts the image of a layout and returns its URL.
func container(t *testing.T, dir string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a chroot needs root")
	}
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	m, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	image, err := index.Image(m.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	root := extract(t, image)
	return start(t, root, config.Config)
}

func start(t *testing.T, root string, c v1.Config) string {
	t.Helper()
	mount(t, "proc", filepath.Join(root, "proc"), "proc", 0)
	for _, device := range []string{"dev/null", "dev/zero", "dev/urandom"} { // never all of /dev: the folder is removed
		mount(t, "/"+device, filepath.Join(root, device), "", syscall.MS_BIND)
	}
	port := freePort(t)
	argv := append(c.Entrypoint, c.Cmd...)
	var logs bytes.Buffer
	cmd := exec.CommandContext(context.Background(), argv[0], argv[1:]...) // t.Context ends before the clean-up
	cmd.Path, cmd.Dir = argv[0], "/"
	cmd.Env = append(c.Env, "PORT="+port)
	cmd.Stdout, cmd.Stderr = &logs, &logs
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: credential(t, c.User)}
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("the container ended: %v", err)
		}
		if t.Failed() {
			t.Logf("logs of the container:\n%s", &logs)
		}
	})
	url := "http://127.0.0.1:" + port
	waitReady(t, url)
	return url
}

// mount gives a container what every runtime of containers gives it.
func mount(t *testing.T, what, where, kind string, flags uintptr) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(where), 0o755)
	if err == nil && kind == "" {
		err = os.WriteFile(where, nil, 0o644)
	} else if err == nil {
		err = os.MkdirAll(where, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount(what, where, kind, flags, ""); err != nil {
		t.Skipf("%s can not be mounted: %v", where, err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(where, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

func credential(t *testing.T, user string) *syscall.Credential {
	t.Helper()
	uid, gid, _ := strings.Cut(user, ":")
	u, err := strconv.ParseUint("0"+uid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	g, err := strconv.ParseUint("0"+gid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(u), Gid: uint32(g), NoSetGroups: true}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// waitReady asks as a kubelet would.
func waitReady(t *testing.T, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for last := error(nil); ; {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
			err = errors.New(resp.Status)
		}
		if last = err; ctx.Err() != nil {
			t.Fatalf("the container does not become ready: %v", last)
		}
		<-tick.C
	}
}

func extract(t *testing.T, image v1.Image) string {
	t.Helper()
	dir := t.TempDir()
	for path := dir; path != "/"; path = filepath.Dir(path) { // the container's user has to reach it
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if filepath.Dir(path) == os.TempDir() {
			break
		}
	}
	content := mutate.Extract(image)
	defer content.Close()
	archive := tar.NewReader(content)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err == nil {
			err = write(filepath.Join(dir, h.Name), h, archive)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func write(file string, h *tar.Header, content io.Reader) error {
	switch h.Typeflag {
	case tar.TypeDir:
		if err := os.MkdirAll(file, 0o755); err != nil {
			return err
		}
		mode := fs.FileMode(h.Mode).Perm()
		if h.Mode&0o1000 != 0 {
			mode |= fs.ModeSticky
		}
		return os.Chmod(file, mode)
	case tar.TypeSymlink:
		return os.Symlink(h.Linkname, file)
	case tar.TypeReg:
	default:
		return fmt.Errorf("%s has type %c", h.Name, h.Typeflag)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, fs.FileMode(h.Mode).Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Close())
}

// post sends a JSON body and returns the status and the answer.
func post(t *testing.T, url, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}
