package local_test

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/sandbox"
)

// harmless are attempts that a tier lets succeed by design: below Landlock
// there is no view of the host's processes of its own, and none of theirs can
// be entered.
func harmless(tier sandbox.Tier, name string) bool {
	return tier == sandbox.TierLandlock && name == "see processes of others"
}

func TestNoActionGetsOut(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the corpus has the numbers of amd64")
	}
	kind := usableKind(t, "python")
	code, err := os.ReadFile("testdata/escapes.py")
	if err != nil {
		t.Fatal(err)
	}
	for _, tier := range tiers() {
		t.Run(string(tier), func(t *testing.T) {
			p := newPoolIn(t, tier, containerpool.Options{})
			msg := message(kind, string(code), targets(t))
			msg.Action.Limits.Timeout = time.Minute
			r := run(t, p, msg)
			var got struct {
				Tried     int
				Succeeded []string
			}
			if err := json.Unmarshal(r.Response.Result, &got); err != nil || got.Tried < 100 {
				t.Fatalf("%v %.500s %v %q", r.Response.Status, r.Response.Result, err, r.Logs)
			}
			for _, name := range got.Succeeded {
				if !harmless(tier, name) {
					t.Errorf("an action could %s", name)
				}
			}
			t.Logf("%d attempts", got.Tried)
		})
	}
}

// targets are things of the host that anybody there may reach, as arguments.
func targets(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "gowhisk-secret-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	secret, sock, abstract := filepath.Join(dir, "secret"), filepath.Join(dir, "s"), filepath.Base(dir)
	if err := os.WriteFile(secret, []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	port := 0
	for network, address := range map[string]string{"unix": sock, "unix@": "@" + abstract, "tcp": "127.0.0.1:0"} {
		l, err := net.Listen(network[:min(4, len(network))], address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() }) // the folder may be gone
		if a, ok := l.Addr().(*net.TCPAddr); ok {
			port = a.Port
		}
	}
	if err := os.Chmod(sock, 0o777); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`{"secret":%q,"port":%d,"server":%d,"socket":%q,"abstract":%q}`, secret, port, os.Getpid(), sock, abstract)
}
