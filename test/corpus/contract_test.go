package corpus_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/test/live"
)

func TestContractCommandCertifiesWhatItLaunches(t *testing.T) {
	proxy := proxy(t)
	for _, platform := range []string{"openwhisk", "knative"} {
		out, err := live.Gowhisk(t, "contract", "--platform", platform, "--kind", "bash", "--launch", proxy, "--kind", "bash").CombinedOutput()
		if err != nil || !strings.Contains(string(out), " 0 fail, 0 not tried") {
			t.Errorf("%s: %v\n%s", platform, err, out)
		}
	}
	runtime, err := filepath.Abs("testdata/foreign/runtime.py")
	if err != nil {
		t.Fatal(err)
	}
	out, err := live.Gowhisk(t, "contract", "--kind", "python", "--launch", "python3", runtime).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "fail") {
		t.Errorf("a runtime that does not keep the contract: %v\n%s", err, out)
	}
}
