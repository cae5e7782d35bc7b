package archtest

import (
	"strings"
	"testing"
)

// stdOnly are the packages that are part of every sandbox image or that
// everything else rests on: they import the standard library and one
// another.
var stdOnly = []string{
	"internal/entity", "internal/protocol", "internal/fault", "internal/cron", "internal/actionproxy", "internal/webaction", "internal/cloudevent", "runtimes",
	"cmd/actionproxy",
}

func TestImagePackagesImportTheStandardLibraryOnly(t *testing.T) {
	found := imports(t)
	allowed := map[string]bool{}
	for _, pkg := range stdOnly {
		allowed[module+pkg] = true
	}
	for _, pkg := range stdOnly {
		for imp := range found[pkg] {
			first, _, _ := strings.Cut(imp, "/")
			if strings.Contains(first, ".") && !allowed[imp] {
				t.Errorf("%s must not import %s: it may use the standard library and %s only", pkg, imp, strings.Join(stdOnly, ", "))
			}
		}
	}
}

// owners are dependencies that may be seen in a few places only, so that the
// rest neither knows nor compiles them.
var owners = map[string][]string{
	"github.com/cockroachdb/pebble":       {"internal/store/pebble"},
	"github.com/prometheus/client_golang": {"internal/telemetry"},
	"github.com/spf13/cobra":              {"internal/cli"},
	"github.com/sethvargo/go-envconfig":   {"internal/config"},
	"sigs.k8s.io/yaml":                    {"internal/config", "internal/manifest", "internal/imagebuild"},
	"github.com/lmittmann/tint":           {"internal/server", "internal/cli"},
	"github.com/rogpeppe/go-internal":     {"test/script"},

	"github.com/google/go-containerregistry": {"internal/imagebuild", "test"},
	"github.com/klauspost/compress":          {"internal/imagebuild"},
	"golang.org/x/crypto":                    {"internal/imagebuild"},
	"k8s.io":                                 {"internal/backend/knative"},
}

func TestDependenciesStayWithTheirOwners(t *testing.T) {
	for pkg, imported := range imports(t) {
		for imp := range imported {
			for dependency, allowed := range owners {
				if (imp == dependency || strings.HasPrefix(imp, dependency+"/")) && !under(pkg, allowed) {
					t.Errorf("%s must not import %s: it belongs to %v", pkg, imp, allowed)
				}
			}
		}
	}
}

func under(pkg string, trees []string) bool {
	for _, tree := range trees {
		if pkg == tree || strings.HasPrefix(pkg, tree+"/") {
			return true
		}
	}
	return false
}
