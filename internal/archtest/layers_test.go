package archtest

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
)

const module = "github.com/gowhisk/gowhisk/"

// layers lists every package, bottom first. A package may import only from
// layers strictly below its own. A path that ends in "/..." is a whole
// subtree without its root.
var layers = [][]string{
	{"internal/entity", "internal/protocol", "internal/fault", "internal/webaction", "internal/cloudevent", "internal/cron", "internal/certificate", "runtimes"},
	{
		"internal/store", "internal/invoker", "internal/auth", "internal/entitlement", "internal/manifest",
		"internal/config", "internal/actionproxy", "internal/sandbox",
	},
	{"internal/containerpool", "internal/catalog", "internal/activation", "internal/admin"},
	{"internal/invoke"},
	{"internal/trigger", "internal/feed"},
	{
		"internal/controller", "internal/telemetry", "internal/apigateway", "internal/systempackages", "internal/feed/...",
		"internal/imagebuild",
		"internal/backend/...", "internal/store/...", "internal/containerpool/...",
		"internal/invoker/...", "internal/protocol/...",
	},
	{"internal/server", "internal/runner"},
	{"internal/cli"},
	{"cmd/...", "test/...", "internal/archtest"},
}

// layerOf returns the index into layers, -1 for a package that is not listed.
func layerOf(pkg string) int {
	for i, layer := range layers {
		for _, p := range layer {
			if tree, ok := strings.CutSuffix(p, "..."); p == pkg || ok && strings.HasPrefix(pkg, tree) {
				return i
			}
		}
	}
	return -1
}

// imports maps every package of the module to the import paths of its
// files, tests left out. It reads the sources itself: the go command's test
// cache sees the files that a test opens.
func imports(t *testing.T) map[string]map[string]bool {
	t.Helper()
	found := map[string]map[string]bool{}
	root := os.DirFS("../..")
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != "." && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") || isModule(root, name)) {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		src, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ImportsOnly)
		if err != nil {
			return err
		}
		pkg := path.Dir(name)
		if found[pkg] == nil {
			found[pkg] = map[string]bool{}
		}
		for _, spec := range file.Imports {
			found[pkg][strings.Trim(spec.Path.Value, `"`)] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// isModule tells whether dir has a module of its own, such as those of the tools and of the test cluster.
func isModule(root fs.FS, dir string) bool {
	_, err := fs.Stat(root, path.Join(dir, "go.mod"))
	return err == nil
}

func TestPackagesImportOnlyFromLayersBelow(t *testing.T) {
	for pkg, imported := range imports(t) {
		from := layerOf(pkg)
		if from < 0 {
			t.Errorf("%s has no layer: add it to the table here and in docs/ARCHITECTURE.md", pkg)
			continue
		}
		for imp := range imported {
			if ours, ok := strings.CutPrefix(imp, module); ok && layerOf(ours) >= from {
				t.Errorf("%s must not import %s: layer %d is not below %d", pkg, ours, layerOf(ours), from)
			}
		}
	}
}
