package cli_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/protocol/protocoltest"
)

func TestContractSaysHowItIsMisused(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want string
	}{
		{nil, "either --url URL or --launch CMD"},
		{[]string{"--url", "http://127.0.0.1:1", "--launch", "true"}, "either --url URL or --launch CMD"},
		{[]string{"--launch"}, "--launch needs the command"},
		{[]string{"--url", "http://127.0.0.1:1", "more"}, "--url takes no command"},
		{[]string{"--url", "localhost:8080"}, "--url is http://HOST:PORT"},
		{[]string{"--platform", "moon", "--launch", "true"}, "--platform is openwhisk or knative"},
		{[]string{"--timeout", "0s", "--launch", "true"}, "--timeout is more than 0"},
	} {
		got := run(t, nil, append([]string{"contract"}, tc.args...)...)
		if got.code != 2 || !strings.Contains(got.stderr, tc.want) {
			t.Errorf("%v: got %d %s", tc.args, got.code, got.stderr)
		}
	}
	if got := run(t, nil, "contract", "--kind", "cobol", "--launch", "true"); got.code != 1 || !strings.Contains(got.stderr, "no samples for kind") {
		t.Errorf("got %d %s", got.code, got.stderr)
	}
}

func TestContractTellsTheClausesThatFail(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{}`))
	}))
	defer s.Close()
	got := run(t, nil, "contract", "--url", s.URL)
	if got.code != 1 || !strings.Contains(got.stdout, "fail  3.2.5   a second init is refused") || strings.Contains(got.stdout, "\npass") {
		t.Errorf("got %d\n%s", got.code, got.stdout)
	}
	got = run(t, nil, "contract", "--url", s.URL, "--json")
	var results []protocoltest.Result
	if err := json.Unmarshal([]byte(got.stdout), &results); err != nil || got.code != 1 || protocoltest.Failed(results) == 0 {
		t.Errorf("got %d, %v\n%s", got.code, err, got.stdout)
	}
	got = run(t, nil, "contract", "-v", "--launch", "sh", "-c", "exit 4")
	if got.code != 1 || !strings.Contains(got.stdout, "ended with status 4 before it listened") || !strings.Contains(got.stdout, "not tried") {
		t.Errorf("got %d\n%s", got.code, got.stdout)
	}
}
