package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/cli"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/sandbox"
)

// TestMain lets doctor build its sandboxes.
func TestMain(m *testing.M) {
	sandbox.Init()
	os.Exit(m.Run())
}

// result is what one run of the program left.
type result struct {
	code           int
	stdout, stderr string
}

// run executes the program in this process, in an empty home directory.
func run(t *testing.T, env map[string]string, args ...string) result {
	t.Helper()
	if env == nil {
		env = map[string]string{}
	}
	if env["HOME"] == "" {
		env["HOME"] = t.TempDir()
	}
	env["PATH"] = os.Getenv("PATH")
	var stdout, stderr bytes.Buffer
	code := cli.Main(t.Context(), cli.Env{
		Args: args, Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr, Version: "1.2.3",
		LookupEnv: func(key string) (string, bool) { v, ok := env[key]; return v, ok },
	})
	return result{code, stdout.String(), stderr.String()}
}

func TestExitCodeTellsMisuseFromFailure(t *testing.T) {
	for _, row := range []struct {
		args []string
		code int
		text string // in either output
	}{
		{nil, 0, "gowhisk serves the API"},
		{[]string{"version"}, 0, "gowhisk 1.2.3 go"},
		{[]string{"version", "x"}, 2, "unknown command"},
		{[]string{"frob"}, 2, "unknown command"},
		{[]string{"serve", "--frob"}, 2, "unknown flag: --frob"},
		{[]string{"serve", "--pool-memory", "lots"}, 2, `"lots" is not a size`},
		{[]string{"serve", "--listen", "nowhere"}, 2, "listen:"},
		{[]string{"serve", "--config", "/none.yaml"}, 2, "settings file"},
		{[]string{"explain", "GW2101"}, 0, "GW2101 ACTION was stopped at its time limit."},
		{[]string{"explain", "gw2101", "--json"}, 0, `"code":"GW2101"`},
		{[]string{"explain"}, 0, "GW5206  gowhisk's"},
		{[]string{"explain", "nothing"}, 2, "neither a known code"},
		{[]string{"explain", strings.Repeat("0", 32)}, 2, "no server or key"},
		{[]string{"completion", "bash"}, 0, "bash completion"},
		{[]string{"smoke"}, 2, "no server or key"},
		{[]string{"smoke", "--apihost", "http://127.0.0.1:1", "--auth", "a:b"}, 1, "ping: "},
		{[]string{"certificate", "--data-dir", "/none"}, 1, "--tls-self-signed"},
	} {
		got := run(t, nil, row.args...)
		if got.code != row.code || !strings.Contains(got.stdout+got.stderr, row.text) {
			t.Errorf("%v: got %+v, want exit code %d and %q", row.args, got, row.code, row.text)
		}
	}
}

func TestServeOnATakenPortExitsWithThree(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	got := run(t, nil, "serve", "--listen", l.Addr().String())
	if got.code != 3 || !strings.HasPrefix(got.stderr, "GW5101 Port ") {
		t.Errorf("got %+v", got)
	}
}

func TestAdminWorksWithoutAServer(t *testing.T) {
	dir := t.TempDir()
	created := run(t, nil, "admin", "--data-dir", dir, "user", "create", "alice-01")
	if created.code != 0 {
		t.Fatalf("got %+v", created)
	}
	if got := run(t, map[string]string{"GOWHISK_DATA_DIR": dir}, "admin", "user", "get", "alice-01"); got.stdout != created.stdout {
		t.Errorf("got %+v, want %q", got, created.stdout)
	}
	if got := run(t, nil, "admin", "--data-dir", dir, "user", "get", "nobody"); got.code != 1 {
		t.Errorf("got %+v", got)
	}
	for _, flag := range [][]string{{"--data-dir", dir}, {"--data-dir=" + dir}} {
		if got := run(t, nil, append([]string{"admin", "user", "get", "alice-01"}, flag...)...); got.stdout != created.stdout {
			t.Errorf("flag behind the command: got %+v, want %q", got, created.stdout)
		}
	}
	if got := run(t, nil, "admin", "user", "create", "--help"); got.code != 0 || !strings.Contains(got.stdout, "gowhisk admin user create SUBJECT") {
		t.Errorf("help: got %+v", got)
	}
	if got := run(t, nil, "admin", "user", "get", "x", "--data-dir"); got.code != 2 {
		t.Errorf("flag without value: got %+v", got)
	}
	if got := run(t, nil, "admin", "--data-dir", dir, "user", "frob", "x"); got.code != 2 {
		t.Errorf("got %+v", got)
	}
}

func TestExplainReadsARecordWithThePropertiesOfWsk(t *testing.T) {
	id := "0190c1f0a9b27c3e8d5f6a7b8c9d0e1f"
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "uuid" || password != "key" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if r.URL.Path != "/api/v1/namespaces/_/activations/"+id {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		fmt.Fprintf(w, `{"activationId":%q,"name":"slow","namespace":"guest","version":"0.0.1","subject":"guest","start":1,"logs":[],
			"response":{"status":"action developer error","success":false,"result":{}},
			"annotations":[{"key":"x-error","value":{"code":"GW2101","what":"slow was stopped.","why":"it slept","next":["wake it"]}}]}`, id)
	}))
	defer api.Close()
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, ".wskprops"), []byte("APIHOST="+api.URL+"\nAUTH=uuid:key\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"HOME": home}
	if got := run(t, env, "explain", id); got.code != 0 || !strings.HasPrefix(got.stdout, "GW2101 slow was stopped.\n  why   it slept\n  next  wake it\n") {
		t.Errorf("got %+v", got)
	}
	if got := run(t, env, "explain", strings.Repeat("f", 32)); got.code != 1 || !strings.Contains(got.stderr, "no activation") {
		t.Errorf("unknown id: got %+v", got)
	}
	if got := run(t, env, "explain", "--auth", "uuid:wrong", id); got.code != 1 || !strings.HasPrefix(got.stderr, "GW1001 ") {
		t.Errorf("wrong key: got %+v", got)
	}
}

func TestDoctorSaysWhatIsThereAndJSONHasTheSame(t *testing.T) {
	got := run(t, nil, "doctor", "--listen", "127.0.0.1:0", "--json")
	var checks []struct{ Name, Grade, What string }
	if err := json.Unmarshal([]byte(got.stdout), &checks); err != nil {
		t.Fatalf("%v in %+v", err, got)
	}
	seen := map[string]bool{}
	for _, c := range checks {
		seen[c.Name] = true
		if c.What == "" || c.Grade == "" {
			t.Errorf("incomplete: %+v", c)
		}
	}
	for _, name := range []string{"isolation", "kinds", "data", "port", "files", "memory"} {
		if !seen[name] {
			t.Errorf("%s was not checked", name)
		}
	}
}

func TestManualPagesAreWrittenForEveryCommand(t *testing.T) {
	dir := t.TempDir()
	for _, row := range []struct{ flag, file string }{{"--markdown=false", "gowhisk-serve.1"}, {"--markdown", "gowhisk_serve.md"}} {
		if got := run(t, nil, "man", row.flag, dir); got.code != 0 {
			t.Fatalf("got %+v", got)
		}
		page, err := os.ReadFile(filepath.Join(dir, row.file))
		if err != nil || !strings.Contains(string(page), "pool") {
			t.Errorf("%s: %v", row.file, err)
		}
	}
}

// TestNextStepsNameCommandsThatExist keeps the registry of faults honest:
// what it tells people to run must parse.
func TestNextStepsNameCommandsThatExist(t *testing.T) {
	for _, f := range fault.All() {
		for _, next := range f.Next {
			words := strings.Fields(regexp.MustCompile(`sudo |#.*`).ReplaceAllString(next, ""))
			if words[0] != "gowhisk" {
				continue
			}
			if help := run(t, nil, words[1], "--help"); help.code != 0 {
				t.Errorf("%s: %q: no such command", f.Code, next)
			} else {
				for _, word := range words[2:] {
					if strings.HasPrefix(word, "--") && !strings.Contains(help.stdout, word+" ") {
						t.Errorf("%s: %q: %s has no flag %s", f.Code, next, words[1], word)
					}
				}
			}
		}
	}
}
