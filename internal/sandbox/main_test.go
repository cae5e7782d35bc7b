package sandbox_test

import (
	"os"
	"testing"

	"github.com/gowhisk/gowhisk/internal/sandbox"
)

// TestMain lets the test binary play three parts: launcher, the probe that
// runs inside a sandbox, and the tests.
func TestMain(m *testing.M) {
	sandbox.Init()
	if len(os.Args) > 1 && os.Args[0] == "probe" {
		os.Exit(probeMain(os.Args[1], os.Args[2:]))
	}
	os.Exit(m.Run())
}
