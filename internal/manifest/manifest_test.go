package manifest_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/manifest"
	"github.com/gowhisk/gowhisk/runtimes"
)

const sample = `{
  "defaultImagePrefix": "openwhisk", "defaultImageTag": "nightly",
  "runtimes": {
    "nodejs": [
      {"kind": "nodejs:18", "image": {"name": "action-nodejs-v18"}, "deprecated": true},
      {"kind": "nodejs:20", "default": true, "image": {"prefix": "openwhisk", "name": "action-nodejs-v20", "tag": "1.2"},
       "attached": {"attachmentName": "codefile", "attachmentType": "text/plain"}, "local": {"anything": 1},
       "stemCells": [{"initialCount": 2, "memory": "256 MB",
         "reactive": {"minCount": 1, "maxCount": 4, "ttl": "2 minutes", "threshold": 2, "increment": 1}}]}],
    "java": [{"kind": "java:8", "image": "ghcr.io:5000/acme/java8action:v1", "requireMain": true, "stemCells": [{"count": 1, "memory": "1 GB"}]}]
  },
  "blackboxes": [{"name": "dockerskeleton"}]
}`

func parse(t testing.TB, doc string) *manifest.Manifest {
	t.Helper()
	m, err := manifest.Parse([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestResolveFindsConcreteAndDefaultKinds(t *testing.T) {
	m := parse(t, sample)
	for kind, want := range map[string]string{
		"nodejs:20": "nodejs:20", " NodeJS:Default\n": "nodejs:20", "nodejs:18": "nodejs:18", "java:default": "java:8",
	} {
		r, err := m.Resolve(kind)
		if err != nil || r.Kind != want {
			t.Errorf("Resolve(%q) = %v, %v, want %s", kind, r, err, want)
		}
	}
}

func TestResolveNamesTheValidKindsWhenItRefuses(t *testing.T) {
	m := parse(t, sample)
	for _, kind := range []string{"", " Ruby:1 ", "nodejs", "default", "nodejs:"} {
		_, err := m.Resolve(kind)
		want := "The request content was malformed:\nThe specified runtime '" + strings.ToLower(strings.TrimSpace(kind)) +
			"' is not supported by this platform. Valid values are: 'java:8', 'nodejs:18', 'nodejs:20', 'sequence', 'blackbox'."
		if entity.KindOf(err) != entity.Malformed || err.Error() != want {
			t.Errorf("Resolve(%q): %v, want %s", kind, err, want)
		}
		if e, ok := errors.AsType[*entity.Error](err); !ok || e.Code != "GW1103" {
			t.Errorf("Resolve(%q): no code GW1103", kind)
		}
	}
}

func TestDeprecatedKindsAreNotSupported(t *testing.T) {
	m := parse(t, sample)
	want := "The 'nodejs:18' runtime is no longer supported. You may read and delete but not update or invoke this action."
	if err := m.CheckSupported("nodejs:18"); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	for _, kind := range []string{"nodejs:20", "sequence", "gone:1"} {
		if err := m.CheckSupported(kind); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestManifestShowsWhatClientsReadAtRoot(t *testing.T) {
	got, err := json.Marshal(parse(t, sample))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"java":[{"kind":"java:8","image":"ghcr.io:5000/acme/java8action:v1","deprecated":false,"default":true,"attached":false,"requireMain":true}],` +
		`"nodejs":[{"kind":"nodejs:18","image":"openwhisk/action-nodejs-v18:nightly","deprecated":true,"default":false,"attached":false,"requireMain":false},` +
		`{"kind":"nodejs:20","image":"openwhisk/action-nodejs-v20:1.2","deprecated":false,"default":true,"attached":true,"requireMain":false}]}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestStemCellsKeepTheirUnits(t *testing.T) {
	m := parse(t, sample)
	node, err := m.Resolve("nodejs:20")
	if err != nil {
		t.Fatal(err)
	}
	want := []manifest.StemCell{{Count: 2, Memory: 256, Reactive: &manifest.Reactive{
		Min: 1, Max: 4, TTL: 2 * time.Minute, Threshold: 2, Increment: 1,
	}}}
	if diff := cmp.Diff(want, node.StemCells); diff != "" {
		t.Error(diff)
	}
	java, err := m.Resolve("java:8")
	if err != nil || java.StemCells[0].Memory != 1024 || java.StemCells[0].Count != 1 {
		t.Errorf("got %v, %v", java, err)
	}
	if got := m.Blackboxes(); len(got) != 1 || got[0].String() != "openwhisk/dockerskeleton:nightly" {
		t.Errorf("blackboxes %v", got)
	}
}

func TestParseRefusesWhatCannotBeServed(t *testing.T) {
	runtime := func(entries string) string { return `{"runtimes":{"nodejs":[` + entries + `]}}` }
	const a, b = `{"kind":"nodejs:1","image":{"name":"x"}`, `{"kind":"nodejs:2","image":{"name":"x"}`
	for _, row := range []struct{ doc, want string }{
		{runtime(a + `},` + b + `}`), "nodejs has multiple versions, but no default."},
		{runtime(a + `,"default":true},` + b + `,"default":true}`), "Found more than one default for nodejs: nodejs:1, nodejs:2"},
		{runtime(a + `,"default":true},` + a + `}`), "kind 'nodejs:1' is listed twice"},
		{runtime(`{"kind":"python:3","image":{"name":"x"}}`), "not of the form nodejs:version"},
		{runtime(`{"kind":"nodejs:default","image":{"name":"x"}}`), "kind 'nodejs:default' is reserved"},
		{runtime(`{"kind":"nodejs:1"}`), "kind 'nodejs:1' has no image"},
		{runtime(`{"kind":"nodejs:1","image":"Bad Name"}`), "malformed name"},
		{runtime(a + `,"stemCells":[{"initialCount":1,"memory":"lots"}]}`), `memory "lots" is not of the form`},
		{runtime(a + `,"stemCells":[{"initialCount":-1,"memory":"1 MB"}]}`), "negative"},
		{runtime(a + `,"stemCells":[{"memory":"1 MB","reactive":{"maxCount":1,"ttl":"soon","threshold":1,"increment":1}}]}`), `duration "soon"`},
		{runtime(a + `,"stemCells":[{"memory":"1 MB","reactive":{"maxCount":1,"ttl":"1 s"}}]}`), "positive threshold"},
		{`{}`, "no member 'runtimes'"},
		{`[]`, "read runtimes manifest"},
	} {
		if _, err := manifest.Parse([]byte(row.doc)); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s\n got %v\nwant %s", row.doc, err, row.want)
		}
	}
}

func TestParseImageReadsAllForms(t *testing.T) {
	for s, want := range map[string]manifest.Image{
		"name":                        {Name: "name"},
		"pre/name":                    {Prefix: "pre", Name: "name"},
		"pre/name:1.0":                {Prefix: "pre", Name: "name", Tag: "1.0"},
		"host.io/pre/fix/name":        {Registry: "host.io", Prefix: "pre/fix", Name: "name"},
		"host:5000/name:tag":          {Registry: "host:5000", Name: "name", Tag: "tag"},
		"localhost/name":              {Registry: "localhost", Name: "name"},
		"n@sha256:" + digest:          {Name: "n", Digest: "sha256:" + digest},
		"n:t@sha256:" + digest:        {Name: "n", Tag: "t", Digest: "sha256:" + digest},
		"a-b/c__d.e":                  {Prefix: "a-b", Name: "c__d.e"},
		"openwhisk/dockerskeleton":    {Prefix: "openwhisk", Name: "dockerskeleton"},
		"ghcr.io/acme/team/app:Rel_1": {Registry: "ghcr.io", Prefix: "acme/team", Name: "app", Tag: "Rel_1"},
	} {
		got, err := manifest.ParseImage(s)
		if err != nil || got != want || got.String() != s {
			t.Errorf("ParseImage(%q) = %+v, %v, want %+v", s, got, err, want)
		}
	}
	for _, s := range []string{"", "/", "A/b", "a//b", "a b", "a:", "a:b:c", "a@x", "a@", "-a", "a.io:x/b", "a/b/", "../a"} {
		if got, err := manifest.ParseImage(s); err == nil {
			t.Errorf("ParseImage(%q) = %+v, want an error", s, got)
		}
	}
}

const digest = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func FuzzParse(f *testing.F) {
	f.Add(sample)
	f.Add(`{"runtimes":{"a":[{"kind":"a:1","image":"x/y:z","stemCells":[{"count":1,"memory":"2g"}]}]}}`)
	f.Fuzz(func(t *testing.T, doc string) {
		m, err := manifest.Parse([]byte(doc))
		if err != nil {
			return
		}
		for kind := range m.Kinds() {
			if r, err := m.Resolve(kind); err != nil || r.Kind != kind {
				t.Errorf("listed kind %q resolves to %v, %v", kind, r, err)
			}
		}
		if _, err := json.Marshal(m); err != nil {
			t.Error(err)
		}
	})
}

func FuzzParseImage(f *testing.F) {
	f.Add("host:5000/pre/name:tag@sha256:" + digest)
	f.Fuzz(func(t *testing.T, s string) {
		img, err := manifest.ParseImage(s)
		if err == nil && img.String() != s {
			t.Errorf("ParseImage(%q).String() = %q", s, img.String())
		}
	})
}

func TestTheStandardManifestIsRead(t *testing.T) {
	m, err := manifest.Parse(runtimes.Manifest())
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"nodejs:default", "python:default", "go:default"} {
		if _, err := m.Resolve(kind); err != nil {
			t.Error(err)
		}
	}
}
