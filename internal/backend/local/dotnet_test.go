package local_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoker"
	"github.com/gowhisk/gowhisk/internal/sandbox"
	"github.com/gowhisk/gowhisk/runtimes"
)

// dotnetAssembly compiles source with the SDK beside the runtime; it skips where there is none.
func dotnetAssembly(t *testing.T, source string) string {
	t.Helper()
	kind := usableKind(t, "dotnet")
	hosts, err := runtimes.DiscoverFamily(t.Context(), "dotnet", runtimes.Search(searchPath(t), ""))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range hosts {
		if h.Kind != kind {
			continue
		}
		root, dir := filepath.Dir(h.Path), t.TempDir()
		compilers, err := filepath.Glob(filepath.Join(root, "sdk", "*", "Roslyn", "bincore", "csc.dll"))
		if err != nil || len(compilers) == 0 {
			t.Skip("no C# compiler here")
		}
		libraries, err := filepath.Glob(filepath.Join(root, "shared", "Microsoft.NETCore.App", h.Version, "[Sn]*.dll"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "A.cs"), []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
		args := []string{compilers[0], "-nologo", "-t:library", "-out:" + filepath.Join(dir, "A.dll"), "-r:" + h.ClassPath[0], filepath.Join(dir, "A.cs")}
		for _, library := range libraries {
			args = append(args, "-r:"+library)
		}
		cmd := exec.CommandContext(t.Context(), h.Path, args...)
		cmd.Env = append(h.Environ(), "PATH=/usr/bin:/bin", "HOME="+dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("csc: %v\n%s", err, out)
		}
		content, err := os.ReadFile(filepath.Join(dir, "A.dll"))
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	return ""
}

func TestDotnetRunsInEveryTier(t *testing.T) {
	assembly := dotnetAssembly(t, `using Newtonsoft.Json.Linq; using System.Threading.Tasks;
public class A { int n; public async Task<JObject> Main(JObject a) { await Task.Delay(1); return new JObject { { "greeting", "Hello, " + a["name"] }, { "n", ++n } }; } }`)
	for _, tier := range []sandbox.Tier{sandbox.TierFull, sandbox.TierRootless} {
		t.Run(string(tier), func(t *testing.T) {
			p := newPoolIn(t, tier, containerpool.Options{})
			msg := zipped(t, usableKind(t, "dotnet"), [2]string{"A.dll", assembly})
			msg.Action.Exec.Main = "A::A::Main"
			for i, want := range []invoker.Start{invoker.Cold, invoker.Warm} {
				r := run(t, p, msg)
				body := `{"greeting":"Hello, Ada","n":` + string(rune('1'+i)) + `}`
				if r.Response.Status != entity.Success || compact(r.Response.Result) != body || r.Start != want {
					t.Errorf("%s start: %v %s %q %s", r.Start, r.Response.Status, r.Response.Result, r.Logs, r.Why)
				}
			}
		})
	}
}

// compact leaves out the blanks between the tokens of a result.
func compact(text []byte) string { return string(entity.Compact(text)) }
