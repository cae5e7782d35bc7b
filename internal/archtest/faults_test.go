package archtest

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/fault"
)

// TestEveryCodeInTheSourcesIsExplained finds codes that are used, by number,
// but that `gowhisk explain` does not know.
func TestEveryCodeInTheSourcesIsExplained(t *testing.T) {
	literal := regexp.MustCompile(`"(GW\d{4})"`)
	root := os.DirFS("../..")
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		src, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		for _, match := range literal.FindAllStringSubmatch(string(src), -1) {
			if _, ok := fault.Explain(match[1]); !ok {
				t.Errorf("%s: %s is not in the registry of package fault", name, match[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
