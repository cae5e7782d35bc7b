package entity_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// textOf is the message of an error, "" for none.
func textOf(err error) string {
	if err == nil {
		return ""
	}
	e, ok := errors.AsType[*entity.Error](err)
	if !ok {
		return "not an entity.Error: " + err.Error()
	}
	return e.Message
}

func TestNamesAreChecked(t *testing.T) {
	const illegal = "The name of the entity contains illegal characters."
	for name, want := range map[string]string{
		"a": "", "_": "", "0": "", "a b": "", "a@b.c&d-e": "", "A_9": "", "a.": "", "a-": "", "a@": "", "a&": "",
		strings.Repeat("a", 256): "",
		strings.Repeat("a", 257): "Name segement longer than allowed: 257 > 256.",
		"":                       illegal, " ": illegal, " a": illegal, "a ": illegal, "@a": illegal, ".a": illegal, "-a": illegal, "&a": illegal,
		"a/b": illegal, "a\n": illegal, "a\tb": illegal, "ü": illegal, "aü": illegal, "a$": illegal, "a%20": illegal, "a\x00": illegal,
	} {
		if got := textOf(entity.CheckName(name)); got != want {
			t.Errorf("%.20q: %q, want %q", name, got, want)
		}
	}
}

func TestNamespacesHaveTextsOfTheirOwn(t *testing.T) {
	for name, want := range map[string]string{
		"guest": "", "a@b.c": "", "whisk.system": "",
		"":                       "The namespace contains illegal characters.",
		"a/b":                    "The namespace contains illegal characters.",
		strings.Repeat("n", 300): "Namespace longer than allowed: 300 > 256.",
	} {
		if got := textOf(entity.CheckNamespace(name)); got != want {
			t.Errorf("%.20q: %q, want %q", name, got, want)
		}
	}
}

func TestReferencesAreParsed(t *testing.T) {
	const unqualified = "The request content was malformed:\nrequirement failed: The fully qualified name of the entity must contain at least the namespace and the name of the entity."
	for ref, want := range map[string]struct{ name, text string }{
		"/ns/a": {"ns/a", ""}, "ns/a": {"ns/a", ""}, "/_/a": {"own/a", ""}, "_/p/a": {"own/p/a", ""}, "/ns/p/a": {"ns/p/a", ""},
		"a": {"", unqualified}, "": {"", unqualified}, "/": {"", unqualified}, "/a": {"", unqualified}, "/a/b/c/d": {"", unqualified},
		"/ns/": {"", "The name of the entity contains illegal characters."},
		"//a":  {"", "The namespace contains illegal characters."},
	} {
		n, err := entity.ParseName(ref, "own")
		if got := textOf(err); got != want.text || err == nil && n.String() != want.name {
			t.Errorf("%q: %q %q, want %q", ref, n, got, want)
		}
	}
}

func TestNamesTellTheirParts(t *testing.T) {
	for _, row := range []struct {
		name              entity.Name
		full, path, local string
	}{
		{entity.Name{Namespace: "ns", Name: "a"}, "ns/a", "ns", "a"},
		{entity.Name{Namespace: "ns", Package: "p", Name: "a"}, "ns/p/a", "ns/p", "p/a"},
	} {
		if row.name.String() != row.full || row.name.Path() != row.path || row.name.Local() != row.local {
			t.Errorf("%+v: %q %q %q", row.name, row.name.String(), row.name.Path(), row.name.Local())
		}
	}
}

func FuzzParseName(f *testing.F) {
	for _, seed := range []string{"/ns/a", "_/p/a", "//", "/a b/c@d/e.f", "/ns/a/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, ref string) {
		n, err := entity.ParseName(ref, "own")
		if err != nil {
			return
		}
		again, err := entity.ParseName("/"+n.String(), "other")
		if n.Namespace == entity.DefaultNamespace {
			return
		}
		if err != nil || again != n {
			t.Errorf("%q is %q, which is %q, %v", ref, n, again, err)
		}
	})
}

func TestVersionsAreParsed(t *testing.T) {
	const malformed = "The request content was malformed:\nsemantic version malformed"
	for text, want := range map[string]struct{ version, text string }{
		"0.0.1": {"0.0.1", ""}, "1": {"1.0.0", ""}, "1.2": {"1.2.0", ""}, "1.2.3.4": {"1.2.3", ""}, "1.2.3.x": {"1.2.3", ""}, "10.20.30": {"10.20.30", ""},
		"": {"", malformed}, "0.0.0": {"", malformed}, "0": {"", malformed}, "a": {"", malformed}, "1.-2": {"", malformed},
		"1..2": {"", malformed}, " 1": {"", malformed}, "99999999999999999999": {"", malformed},
	} {
		v, err := entity.ParseVersion(text)
		if got := textOf(err); got != want.text || err == nil && v.String() != want.version {
			t.Errorf("%q: %s %q, want %q", text, v, got, want)
		}
	}
	if next := entity.FirstVersion.Next(); next.String() != "0.0.2" || entity.FirstVersion.String() != "0.0.1" {
		t.Errorf("after %s comes %s", entity.FirstVersion, next)
	}
}
