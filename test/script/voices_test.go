package script

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// The keys of the voices. The guest's is the one that OpenWhisk publishes;
// the attacker knows its public half.
const (
	guestKey  = "23bc46b1-71f6-4ed5-8c54-816aa4f8c502:123zO3xZCLrMN6v2BKK1dXYFpXlPkccOFqm12CdAsMgRU4VrNZ9lyGVCGuMDGIwP"
	userName  = "alice-01"
	userKey   = "0b1d3f6a-5c2e-4a7b-9d8f-1e2d3c4b5a69:aliceAliceAliceAliceAliceAliceAliceAliceAliceAliceAliceAlice1234"
	forgedKey = "23bc46b1-71f6-4ed5-8c54-816aa4f8c502:000zO3xZCLrMN6v2BKK1dXYFpXlPkccOFqm12CdAsMgRU4VrNZ9lyGVCGuMDGIwP"
)

// patience bounds what a script waits for.
const patience = 20 * time.Second

// patience is longer on a cluster, where a pod may have to start before.
func (b *backend) patience() time.Duration {
	if b.name == onLocal {
		return patience
	}
	return 6 * patience
}

// say runs the command of a voice. What went over the line meanwhile must be
// as the API's document says.
func say(ts *testscript.TestScript, name string, args []string) error {
	defer func() { ts.Value(serverKey{}).(*instance).watch.judge(ts) }()
	keys := map[string]string{"wsk": guestKey, "uwsk": userKey, "attackwsk": forgedKey}
	if key, ok := keys[name]; ok {
		props := filepath.Join(ts.MkAbs("."), "."+name+"props")
		ts.Check(os.WriteFile(props, []byte("APIHOST="+ts.Getenv("APIHOST")+"\nAUTH="+key+"\n"), 0o600))
		ts.Setenv("WSK_CONFIG_FILE", props)
		return ts.Exec(ts.Getenv("WSK"), append([]string{"-i"}, args...)...)
	}
	if name == "kubectl" {
		args = append([]string{"-n", ts.Value(serverKey{}).(*instance).namespace}, args...)
	}
	if name == "curl" {
		args = append([]string{"-sS", "-k"}, args...)
	}
	return ts.Exec(name, args...)
}

// voice is the command of one actor; with ! it must fail.
func voice(name string) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		err := say(ts, name, args)
		if neg && err == nil {
			ts.Fatalf("%s %s succeeded", name, strings.Join(args, " "))
		}
		if !neg {
			ts.Check(err)
		}
	}
}

// exits CODE VOICE ARG… checks the exit code of a command.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: exits CODE VOICE ARG…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := say(ts, args[1], args[2:]); err != nil {
		failed, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = failed.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// capture VAR REGEXP puts what the first group matches in the last standard
// output into a variable.
func capture(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: capture VAR REGEXP")
	}
	pattern, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	match := pattern.FindStringSubmatch(ts.ReadFile("stdout"))
	if len(match) < 2 {
		ts.Fatalf("no match for %s", args[1])
	}
	ts.Setenv(args[0], match[1])
}

// eventually REGEXP VOICE ARG… repeats a command until it succeeds and its
// output matches: for what happens after the answer.
func (b *backend) eventually(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: eventually REGEXP VOICE ARG…")
	}
	pattern, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	patient := b.patience()
	for deadline := time.Now().Add(patient); time.Now().Before(deadline); <-again.C {
		if say(ts, args[1], args[2:]) == nil && pattern.MatchString(ts.ReadFile("stdout")) {
			return
		}
	}
	ts.Fatalf("%s did not come within %s", args[0], patient)
}

// repeat N VOICE ARG… runs a command N times, whatever it answers.
func repeat(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: repeat N VOICE ARG…")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	for range n {
		if err := say(ts, args[1], args[2:]); err != nil {
			ts.Logf("%v", err)
		}
	}
}
