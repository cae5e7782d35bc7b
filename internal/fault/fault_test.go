package fault_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/fault"
)

func TestEveryFaultIsCompleteAndItsCodeIsUnique(t *testing.T) {
	form := regexp.MustCompile(`^GW[1-9]\d{3}$`)
	seen := map[string]bool{}
	for _, f := range fault.All() {
		if !form.MatchString(f.Code) {
			t.Errorf("code %q is not GW and four digits", f.Code)
		}
		if seen[f.Code] {
			t.Errorf("%s is there twice", f.Code)
		}
		seen[f.Code] = true
		if f.What == "" || f.Why == "" || f.Doc == "" || f.Component == "" || f.Whose == "" {
			t.Errorf("%s lacks what, why, doc, component or whose", f.Code)
		}
		if len(f.Next) == 0 || len(f.Next) > 3 {
			t.Errorf("%s has %d next steps, want 1 to 3", f.Code, len(f.Next))
		}
		if strings.Contains(strings.ToLower(f.What+f.Why), "unexpected") {
			t.Errorf("%s says %q: name the cause instead", f.Code, "unexpected")
		}
	}
}

func TestFaultsAreOrderedByCode(t *testing.T) {
	last := ""
	for _, f := range fault.All() {
		if f.Code <= last {
			t.Fatalf("%s comes after %s", f.Code, last)
		}
		last = f.Code
	}
}

func TestExplainFindsAFaultByItsCode(t *testing.T) {
	f, ok := fault.Explain(fault.Timeout)
	if !ok || f.Code != "GW2101" {
		t.Fatalf("got %v, %v", f.Code, ok)
	}
	if _, ok := fault.Explain("GW0000"); ok {
		t.Fatal("GW0000 is explained")
	}
}

func TestReportFillsPlaceholdersAndShowsTheOthersInCapitals(t *testing.T) {
	f, _ := fault.Explain(fault.Timeout)
	got := f.Report("", map[string]string{"action": "slow", "limit": "3000"}).String()
	want := `GW2101 slow was stopped at its time limit.
  why   It had not answered after 3000 ms.
  next  wsk activation logs ID
        wsk action update slow --timeout 120000
        wsk action invoke slow --blocking`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestMeasuredReasonReplacesTheUsualOne(t *testing.T) {
	f, _ := fault.Explain(fault.Exited)
	if got := f.Report("exit code 1 after 12 ms", nil).Why; got != "exit code 1 after 12 ms" {
		t.Errorf("got %q", got)
	}
}

func TestReportIsTheAnnotationOfAnActivation(t *testing.T) {
	f, _ := fault.Explain(fault.LogsTruncated)
	data, err := json.Marshal(f.Report("", nil))
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"code", "component", "whose", "what", "why", "next"} {
		if got[key] == nil {
			t.Errorf("%s is missing in %s", key, data)
		}
	}
}

func TestErrorKeepsCodeAndCause(t *testing.T) {
	err := error(fault.New(fault.StoreLocked, "", nil, fs.ErrExist))
	if fault.CodeOf(err) != fault.StoreLocked || !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v", err)
	}
	if got := fault.CodeOf(fault.New("GW0000", "", nil, nil)); got != fault.InternalServerError {
		t.Errorf("a code without an entry became %s", got)
	}
}
