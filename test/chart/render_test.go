package chart

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	v2 "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	"sigs.k8s.io/yaml"
)

const folder = "../../charts/gowhisk"

var update = flag.Bool("update", false, "write the golden renderings")

func load(t *testing.T) *v2.Chart {
	t.Helper()
	c, err := loader.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func parse(t *testing.T, text string) map[string]any {
	t.Helper()
	values := map[string]any{}
	if err := yaml.Unmarshal([]byte(text), &values); err != nil {
		t.Fatal(err)
	}
	return values
}

// render is what helm template says: files by name, those of helpers left out.
func render(t *testing.T, values map[string]any) (map[string]string, error) {
	t.Helper()
	c := load(t)
	all, err := util.ToRenderValues(c, values, common.ReleaseOptions{Name: "owdev", Namespace: "openwhisk", Revision: 1, IsInstall: true}, nil)
	if err != nil {
		return nil, err
	}
	files, err := new(engine.Engine).Render(c, all)
	maps.DeleteFunc(files, func(name, text string) bool { return strings.HasSuffix(name, ".tpl") || strings.TrimSpace(text) == "" })
	return files, err
}

// valueSets are the files of testdata/values.
func valueSets(t *testing.T) map[string]map[string]any {
	t.Helper()
	names, err := filepath.Glob("testdata/values/*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatalf("no values: %v", err)
	}
	sets := map[string]map[string]any{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sets[strings.TrimSuffix(filepath.Base(name), ".yaml")] = parse(t, string(text))
	}
	return sets
}

func TestRenderingsAreTheGoldenOnes(t *testing.T) {
	for name, values := range valueSets(t) {
		t.Run(name, func(t *testing.T) {
			files, err := render(t, values)
			if err != nil {
				t.Fatal(err)
			}
			var text strings.Builder
			for _, file := range slices.Sorted(maps.Keys(files)) {
				fmt.Fprintf(&text, "# --- %s\n%s\n", strings.TrimPrefix(file, "gowhisk/"), strings.TrimSpace(files[file]))
			}
			golden := "testdata/golden/" + name + ".yaml"
			if *update {
				if err := os.WriteFile(golden, []byte(text.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got := text.String(); got != string(want) {
				t.Errorf("%s differs from line %d on: go test -update writes it, git diff shows what changed", golden, firstDifference(got, string(want)))
			}
		})
	}
}

func firstDifference(got, want string) int {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i + 1
		}
	}
	return min(len(a), len(b)) + 1
}

func TestHelmHasNothingAgainstTheChart(t *testing.T) {
	for name, values := range valueSets(t) {
		for _, m := range lint.RunAll(folder, values, "openwhisk", lint.WithKubeVersion(&common.KubeVersion{Version: "v1.34.0", Major: "1", Minor: "34"})).Messages {
			if m.Severity > support.InfoSev {
				t.Errorf("%s: %v", name, m)
			}
		}
	}
}
