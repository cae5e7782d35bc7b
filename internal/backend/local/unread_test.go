package local_test

import (
	"testing"

	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/entity"
)

// TestAnActionThatAnswersAndThenEndsFailsNoOtherRun sends the next request while the container of the
// last one is about to end, and has not read it.
func TestAnActionThatAnswersAndThenEndsFailsNoOtherRun(t *testing.T) {
	kind := usableKind(t, "python")
	p := newPool(t, containerpool.Options{})
	const code = "import os, time\ndef main(a):\n  os.write(3, b'{}\\n')\n  time.sleep(0.05)\n  os._exit(0)"
	for range 6 {
		if r := run(t, p, message(kind, code, `{}`)); r.Response.Status != entity.Success {
			t.Fatalf("%v %s (%s)", r.Response.Status, r.Response.Result, r.Why)
		}
	}
}
