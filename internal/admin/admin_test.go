package admin_test

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gowhisk/gowhisk/internal/admin"
)

const (
	uuidA = "11111111-2222-4333-8444-555555555555"
	uuidB = "aaaaaaaa-2222-4333-8444-555555555555"
)

var (
	keyA = strings.Repeat("a", 64)
	keyB = strings.Repeat("b", 64)
)

// run executes one command line and returns its output and exit code.
func run(t *testing.T, m *memory, line ...string) (string, int) {
	t.Helper()
	var out, talk bytes.Buffer
	code := admin.Run(t.Context(), m, line, &out, &talk)
	return out.String(), code
}

// expect fails the test unless the command prints want and exits with code.
func expect(t *testing.T, m *memory, want string, code int, line ...string) {
	t.Helper()
	got, gotCode := run(t, m, line...)
	if gotCode != code {
		t.Errorf("%v: exit code %d, want %d (%s)", line, gotCode, code, got)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%v: %s", line, diff)
	}
}

func TestCreatePrintsTheKeyThatGetPrintsAgain(t *testing.T) {
	m := newMemory()
	created, code := run(t, m, "user", "create", "alice-01")
	if code != 0 || !regexp.MustCompile(`^[0-9a-f-]{36}:[A-Za-z0-9]{64}\n$`).MatchString(created) {
		t.Fatalf("got %q, %d", created, code)
	}
	expect(t, m, created, 0, "user", "get", "alice-01")
	expect(t, m, "subject: alice-01\nnamespace: alice-01\n", 0, "user", "whois", strings.TrimSpace(created))
	expect(t, m, "Subject id is not recognized\n", 1, "user", "whois", created[:37]+keyA)
	expect(t, m, "Subject deleted\n", 0, "user", "delete", "alice-01")
	expect(t, m, "Failed to get subject (The requested resource does not exist.)\n", 1, "user", "get", "alice-01")
}

func TestCreateRefusesWhatIsMalformed(t *testing.T) {
	for _, row := range []struct {
		want string
		args []string
	}{
		{"Subject name must be at least 5 characters\n", []string{"bob"}},
		{"Namespace must not be empty\n", []string{"alice-01", "-ns", " "}},
		{"authorization id is not a valid UUID\n", []string{"alice-01", "-u", "x:" + keyA}},
		{"authorization key must be at least 64 characters long\n", []string{"alice-01", "-u", uuidA + ":short"}},
		{"failed to determine authorization id and key: a colon is missing\n", []string{"alice-01", "-u", uuidA}},
	} {
		expect(t, newMemory(), row.want, 2, append([]string{"user", "create"}, row.args...)...)
	}
}

func TestSubjectHasSeveralNamespacesInTheOrderOfCreation(t *testing.T) {
	m := newMemory()
	expect(t, m, uuidA+":"+keyA+"\n", 0, "user", "create", "alice-01", "-u", uuidA+":"+keyA)
	expect(t, m, "", 0, "user", "create", "alice-01", "-ns", "team1", "-s", "-u", uuidB+":"+keyB)
	expect(t, m, "alice-01\t"+uuidA+":"+keyA+"\nteam1\t"+uuidB+":"+keyB+"\n", 0, "user", "get", "alice-01", "--all")
	expect(t, m, uuidB+":"+keyB+"\n", 0, "user", "get", "alice-01", "-ns", "team1")
	expect(t, m, "Namespace already exists\n", 1, "user", "create", "alice-01")
	expect(t, m, "namespace \"none\" not found for \"alice-01\"\n", 1, "user", "get", "alice-01", "-ns", "none")
	expect(t, m, "Namespace \"none\" does not exist for \"alice-01\"\n", 1, "user", "delete", "alice-01", "-ns", "none")
	expect(t, m, "Namespace deleted\n", 0, "user", "delete", "alice-01", "-ns", "team1")
}

func TestRevokeReplacesTheKeyOfANamespace(t *testing.T) {
	m := newMemory()
	expect(t, m, uuidA+":"+keyA+"\n", 0, "user", "create", "alice-01", "-u", uuidA+":"+keyA)
	expect(t, m, uuidB+":"+keyB+"\n", 0, "user", "create", "alice-01", "-r", "-u", uuidB+":"+keyB)
	expect(t, m, "Subject id is not recognized\n", 1, "user", "whois", uuidA)
}

func TestGenonlyStoresNothing(t *testing.T) {
	m := newMemory()
	if out, code := run(t, m, "user", "create", "alice-01", "-g"); code != 0 || len(out) != 36+1+64+1 {
		t.Errorf("got %q, %d", out, code)
	}
	if len(m.subjects) != 0 {
		t.Errorf("stored %v", m.subjects)
	}
}

func TestBlockedSubjectsVanishFromTheListAndCannotBeEdited(t *testing.T) {
	m := newMemory()
	expect(t, m, uuidA+":"+keyA+"\n", 0, "user", "create", "alice-01", "-ns", "shared", "-u", uuidA+":"+keyA)
	expect(t, m, uuidB+":"+keyB+"\n", 0, "user", "create", "bobby-01", "-ns", "shared", "-u", uuidB+":"+keyB)
	expect(t, m, uuidA+":"+keyA+"\talice-01\n", 0, "user", "list", "shared")
	expect(t, m, uuidA+":"+keyA+"\n"+uuidB+":"+keyB+"\n", 0, "user", "list", "shared", "-a", "-k")
	expect(t, m, "\"alice-01\" blocked successfully\n\"bobby-01\" blocked successfully\n", 0, "user", "block", "alice-01", "bobby-01", "", " ")
	expect(t, m, "no identities found for namespace \"shared\"\n", 0, "user", "list", "shared", "-p", "2")
	expect(t, m, "The subject you want to edit is blocked\n", 1, "user", "create", "alice-01", "-ns", "more")
	expect(t, m, "\"alice-01\" unblocked successfully\n", 0, "user", "unblock", "alice-01")
	expect(t, m, "pick at least 1 identity to show\n", 2, "user", "list", "shared", "-p", "0")
}

func TestLimitsAreSetMergedShownInOrderAndDeleted(t *testing.T) {
	m := newMemory()
	expect(t, m, "No limits found, default system limits apply\n", 0, "limits", "get", "guest")
	expect(t, m, "Limits successfully set for \"guest\"\n", 0, "limits", "set", "guest",
		"--concurrentInvocations", "3", "--firesPerMinute", "2", "--allowedKinds", "nodejs:20", "blackbox", "--storeActivations", "false")
	expect(t, m, "Limits successfully set for \"guest\"\n", 0, "limits", "set", "guest", "--invocationsPerMinute=1", "--maxActionMemory", "1024")
	expect(t, m, `invocationsPerMinute = 1
firesPerMinute = 2
concurrentInvocations = 3
allowedKinds = ['nodejs:20', 'blackbox']
storeActivations = False
maxActionMemory = 1024
`, 0, "limits", "get", "guest")
	expect(t, m, "--firesPerMinute: \"many\" is not a whole number from 0\n", 2, "limits", "set", "guest", "--firesPerMinute", "many")
	expect(t, m, "--firesPerMinute: \"-1\" is not a whole number from 0\n", 2, "limits", "set", "guest", "--firesPerMinute", "-1")
	expect(t, m, "Limits deleted\n", 0, "limits", "delete", "guest")
	expect(t, m, "Failed to delete limits (The requested resource does not exist.)\n", 1, "limits", "delete", "guest")
}

func TestMisuseIsExplainedOnStandardError(t *testing.T) {
	for _, line := range [][]string{
		nil, {"user"}, {"user", "frob", "x"}, {"user", "get"}, {"user", "get", "a", "b"},
		{"user", "get", "alice-01", "--genonly"}, {"limits", "set", "guest", "--firesPerMinute"},
	} {
		var out, talk bytes.Buffer
		if code := admin.Run(t.Context(), newMemory(), line, &out, &talk); code != 2 {
			t.Errorf("%v: exit code %d, want 2", line, code)
		}
		if out.Len() > 0 || !strings.Contains(talk.String(), "gowhisk admin ") {
			t.Errorf("%v: printed %q and %q", line, &out, &talk)
		}
	}
}

func TestStoreFailureExitsWithOne(t *testing.T) {
	m := newMemory()
	m.err = errors.New("disk on fire")
	expect(t, m, "Failed to create subject (disk on fire)\n", 1, "user", "create", "alice-01")
}

func TestFreshDirectoryGetsGuestAndSystemOnce(t *testing.T) {
	m := newMemory()
	fresh, err := admin.Bootstrap(t.Context(), m, false, map[string]string{"team-a": uuidA + ":" + keyA})
	if err != nil || !fresh {
		t.Fatalf("got %v, %v", fresh, err)
	}
	expect(t, m, "23bc46b1-71f6-4ed5-8c54-816aa4f8c502:123zO3xZCLrMN6v2BKK1dXYFpXlPkccOFqm12CdAsMgRU4VrNZ9lyGVCGuMDGIwP\n", 0, "user", "get", "guest")
	expect(t, m, "789c46b1-71f6-4ed5-8c54-816aa4f8c502:abczO3xZCLrMN6v2BKK1dXYFpXlPkccOFqm12CdAsMgRU4VrNZ9lyGVCGuMDGIwP\n", 0, "user", "get", "whisk.system")
	expect(t, m, uuidA+":"+keyA+"\n", 0, "user", "get", "team-a")
	if open, err := admin.PublicKeys(t.Context(), m); err != nil || len(open) != 2 {
		t.Errorf("public keys: %v, %v", open, err)
	}
	run(t, m, "user", "create", "whisk.system", "--revoke")
	if open, err := admin.PublicKeys(t.Context(), m); err != nil || !slices.Equal(open, []string{"guest"}) {
		t.Errorf("public keys: %v, %v", open, err)
	}
	run(t, m, "user", "delete", "guest")
	if fresh, err := admin.Bootstrap(t.Context(), m, false, nil); err != nil || fresh {
		t.Errorf("got %v, %v", fresh, err)
	}
	expect(t, m, "Failed to get subject (The requested resource does not exist.)\n", 1, "user", "get", "guest")
}

func TestRandomKeysDifferFromThePublicOnes(t *testing.T) {
	m := newMemory()
	if _, err := admin.Bootstrap(t.Context(), m, true, nil); err != nil {
		t.Fatal(err)
	}
	for _, subject := range []string{"guest", "whisk.system"} {
		if out, _ := run(t, m, "user", "get", subject); strings.Contains(out, "zO3xZCLr") || len(out) != 102 {
			t.Errorf("%s has %s", subject, out)
		}
	}
}
