package sandbox_test

import (
	"os"
	"testing"

	"github.com/gowhisk/gowhisk/internal/sandbox"
)

func TestMain(m *testing.M) {
	sandbox.Init()
	os.Exit(m.Run())
}
