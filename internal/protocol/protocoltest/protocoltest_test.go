package protocoltest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/protocol/protocoltest"
)

const short = 200 * time.Millisecond

// certify is bounded by the end of the test.
func certify(t *testing.T, platform string, launch func(context.Context, protocoltest.Start) (protocoltest.Container, error)) []protocoltest.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	samples, err := protocoltest.SamplesOf(ctx, "nodejs:20")
	if err != nil {
		t.Fatal(err)
	}
	results, err := protocoltest.Certify(ctx, protocoltest.Options{Platform: platform, Samples: samples, Launch: launch, Patience: short})
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// serves starts a runtime that answers as told.
func serves(t *testing.T, handler http.HandlerFunc) func(context.Context, protocoltest.Start) (protocoltest.Container, error) {
	return func(context.Context, protocoltest.Start) (protocoltest.Container, error) {
		s := httptest.NewServer(handler)
		return protocoltest.Container{URL: s.URL, Stop: s.Close}, nil
	}
}

func hangUp(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

func TestBadRuntimesGetClearResultsAndNeverHang(t *testing.T) {
	hangs := func(_ http.ResponseWriter, r *http.Request) { waitForLeave(r) }
	garbage := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("\xff<html>")) }
	for _, platform := range []string{protocoltest.OpenWhisk, protocoltest.Knative} {
		for _, tc := range []struct {
			name   string
			launch func(context.Context, protocoltest.Start) (protocoltest.Container, error)
			want   string
		}{
			{"hangs", serves(t, hangs), "was not answered in 200ms"},
			{"closes connections", serves(t, hangUp), "was not answered: "},
			{"answers garbage", serves(t, garbage), "<html>"},
			{"answers in pieces without end", serves(t, endless), "was not answered in 200ms"},
			{"does not listen", protocoltest.Command{Args: []string{"sleep", "60"}, Patience: short}.Launch, "nothing listens on the PORT"},
			{"ends at once", protocoltest.Command{Args: []string{"sh", "-c", "echo no such file >&2; exit 3"}}.Launch, "ended with status 3 before it listened: no such file"},
			{"is no program", protocoltest.Command{Args: []string{"/no/such/program"}}.Launch, "start /no/such/program"},
			{"nobody is there", protocoltest.At("http://" + closedAddress(t)), "connection refused"},
		} {
			t.Run(platform+" "+tc.name, func(t *testing.T) {
				t.Parallel()
				results := certify(t, platform, tc.launch)
				if protocoltest.Failed(results) == 0 {
					t.Fatal("certified")
				}
				for _, r := range results {
					if r.Outcome == protocoltest.Fail && strings.Contains(r.Seen, tc.want) {
						return
					}
				}
				t.Errorf("no %q in %+v", tc.want, results[0])
			})
		}
	}
}

// waitForLeave returns when the client has gone, which is seen once its body has been read.
func waitForLeave(r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// endless writes until the client leaves.
func endless(w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		if _, err := w.Write([]byte("x")); err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush()
	}
}

func closedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestEveryRunOfTheKitHasTheSameClauses(t *testing.T) {
	for _, platform := range []string{protocoltest.OpenWhisk, protocoltest.Knative} {
		many := certify(t, platform, serves(t, func(w http.ResponseWriter, _ *http.Request) {}))
		silent := certify(t, platform, serves(t, hangUp))
		once := certify(t, platform, protocoltest.At("http://"+closedAddress(t)))
		if len(many) == 0 || len(many) != len(silent) || len(many) != len(once) {
			t.Errorf("%s: %d, %d and %d clauses", platform, len(many), len(silent), len(once))
		}
		for i := range many {
			if many[i].ID == "" || many[i].Title == "" || many[i].ID != silent[i].ID || many[i].Title != once[i].Title {
				t.Errorf("clause %d: %+v, %+v, %+v", i, many[i], silent[i], once[i])
			}
		}
	}
}

func TestCertificationEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	launch := serves(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		waitForLeave(r)
	})
	samples, err := protocoltest.SamplesOf(ctx, "python")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := protocoltest.Certify(ctx, protocoltest.Options{Platform: protocoltest.OpenWhisk, Samples: samples, Launch: launch}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestUnknownKindsAndPlatformsAreRefused(t *testing.T) {
	if _, err := protocoltest.SamplesOf(t.Context(), "cobol:60"); err == nil || !strings.Contains(err.Error(), "use one of nodejs") {
		t.Errorf("got %v", err)
	}
	if _, err := protocoltest.Certify(t.Context(), protocoltest.Options{Platform: "moon"}); err == nil {
		t.Error("a platform that does not exist was certified")
	}
}

func TestReportShowsWhatFailsUnlessAllIsAskedFor(t *testing.T) {
	results := []protocoltest.Result{
		{ID: "1", Title: "good", Outcome: protocoltest.Pass, Seen: "200 {}"},
		{ID: "2", Title: "bad", Outcome: protocoltest.Fail, Seen: "got\n500"},
		{ID: "3", Title: "none", Outcome: protocoltest.NotApplicable},
	}
	for _, tc := range []struct {
		all  bool
		want string
	}{
		{false, "fail  2  bad  got 500\n3 clauses: 1 pass, 1 fail, 0 not tried, 1 not applicable\n"},
		{true, "pass            1  good  200 {}\nfail            2  bad   got 500\nnot applicable  3  none  \n3 clauses: 1 pass, 1 fail, 0 not tried, 1 not applicable\n"},
	} {
		var b bytes.Buffer
		if err := protocoltest.Write(&b, results, tc.all); err != nil || b.String() != tc.want {
			t.Errorf("got %v\n%q, want\n%q", err, b.String(), tc.want)
		}
	}
	var b bytes.Buffer
	if err := protocoltest.Matrix(&b, []string{"a", "b"}, map[string][]protocoltest.Result{"a": results}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1 good +", "2 bad  FAIL – ", "3 none ·"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}
