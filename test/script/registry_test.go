package script

import (
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/rogpeppe/go-internal/testscript"
)

// serveRegistry makes the command that starts an empty registry for the script, REGISTRY, and names
// the program actionproxy, PROXY, which is built in dir by the first script that asks.
func serveRegistry(dir string) func(ts *testscript.TestScript, neg bool, args []string) {
	proxy := filepath.Join(dir, "actionproxy")
	build := sync.OnceValue(func() error {
		cmd := exec.Command("go", "build", "-trimpath", "-o", proxy, "../../cmd/actionproxy")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build actionproxy: %w: %s", err, out)
		}
		return nil
	})
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) > 0 {
			ts.Fatalf("usage: registry")
		}
		ts.Check(build())
		server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
		ts.Defer(server.Close)
		ts.Setenv("REGISTRY", strings.TrimPrefix(server.URL, "http://"))
		ts.Setenv("PROXY", proxy)
	}
}
