package local_test

import (
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/gowhisk/gowhisk/internal/containerpool/factorytest"
	"github.com/gowhisk/gowhisk/internal/sandbox"
)

// javaSource behaves as the resource "mode" of its jar says.
const javaSource = `
import com.google.gson.*;
import java.util.*;
public class A {
  static final String MODE;
  static int n;
  static {
    try (var in = A.class.getResourceAsStream("/mode")) { MODE = new String(in.readAllBytes()); }
    catch (java.io.IOException e) { throw new RuntimeException(e); }
    if (MODE.equals("exit in init")) Runtime.getRuntime().halt(3);
    while (MODE.equals("hang in init")) n++;
  }
  public static JsonObject main(JsonObject a) throws Exception {
    JsonObject o = new JsonObject();
    switch (MODE) {
      case "environment": o.addProperty("value", System.getenv("GREETING")); return o;
      case "counter": o.addProperty("n", ++n); return o;
      case "big": o.addProperty("text", "x".repeat(a.get("size").getAsInt())); return o;
      case "lines":
        for (int i = 1; i <= a.get("n").getAsInt(); i++) { System.out.println("out " + i); System.err.println("err " + i); }
        return o;
      case "nap": Thread.sleep(a.get("ms").getAsLong()); return a;
      case "exit in run": System.out.println("bye"); Runtime.getRuntime().halt(3); return a;
      case "allocate":
        List<java.nio.ByteBuffer> all = new ArrayList<>();
        for (;;) { var b = new byte[1 << 20]; Arrays.fill(b, (byte) 1); all.add(java.nio.ByteBuffer.wrap(b)); }
    }
    return a;
  }
}`

// javaTexts are jars; it skips where no compiler is.
func javaTexts(t *testing.T, kind string) factorytest.Kind {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "A.java")
	if err := os.WriteFile(file, []byte(javaSource), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "javac", "--release", "11", "-cp", "/usr/share/java/gson.jar", "-d", dir, file)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("no Java compiler with gson here: %v %s", err, out)
	}
	class, err := os.ReadFile(filepath.Join(dir, "A.class"))
	if err != nil {
		t.Fatal(err)
	}
	jar := func(mode string) string {
		return base64.StdEncoding.EncodeToString(zipOf(t, [2]string{"A.class", string(class)}, [2]string{"mode", mode}))
	}
	return factorytest.Kind{
		Kind: kind, Main: "A",
		Echo: jar("echo"), Environment: jar("environment"), Counter: jar("counter"), Big: jar("big"), Lines: jar("lines"),
		Nap: jar("nap"), ExitInInit: jar("exit in init"), ExitInRun: jar("exit in run"), HangInInit: jar("hang in init"),
		Archive: jar("echo"), Broken: base64.StdEncoding.EncodeToString(zipOf(t, [2]string{"B.class", "no class"})),
	}
}

func TestFactoryKeepsTheContractForJava(t *testing.T) {
	for _, tier := range []sandbox.Tier{sandbox.TierFull, sandbox.TierRootless} {
		t.Run(string(tier), func(t *testing.T) { certify(t, tier, "java") })
	}
}
