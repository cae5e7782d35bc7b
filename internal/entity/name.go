package entity

import (
	"strings"
)

// MaxNameLength is the longest legal entity or namespace name, in
// characters. OpenWhisk 1.8.1.
const MaxNameLength = 256

// DefaultNamespace is the path segment that stands for the caller's own
// namespace. OpenWhisk 1.3.5.
const DefaultNamespace = "_"

// CheckName reports whether s is a legal entity name: it begins with a word
// character, goes on with word characters, '@', ' ', '.', '&' or '-', and
// does not end in a space. OpenWhisk 1.8.1–1.8.3.
func CheckName(s string) error {
	if len(s) > MaxNameLength {
		return Errorf(Malformed, "Name segement longer than allowed: %d > %d.", len(s), MaxNameLength)
	}
	if !legalName(s) {
		return Errorf(Malformed, "The name of the entity contains illegal characters.")
	}
	return nil
}

// CheckNamespace is CheckName with the texts for a namespace.
func CheckNamespace(s string) error {
	if len(s) > MaxNameLength {
		return Errorf(Malformed, "Namespace longer than allowed: %d > %d.", len(s), MaxNameLength)
	}
	if !legalName(s) {
		return Errorf(Malformed, "The namespace contains illegal characters.")
	}
	return nil
}

func legalName(s string) bool {
	if s == "" || !wordByte(s[0]) || s[len(s)-1] == ' ' {
		return false
	}
	for i := 1; i < len(s); i++ {
		if c := s[i]; !wordByte(c) && c != '@' && c != ' ' && c != '.' && c != '&' && c != '-' {
			return false
		}
	}
	return true
}

func wordByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}

// Name is the fully qualified name of an entity. Package is empty for an
// entity outside any package. The zero Name names nothing.
type Name struct {
	Namespace string
	Package   string
	Name      string
}

// String returns "ns/name" or "ns/pkg/name", without a leading slash.
func (n Name) String() string { return n.Path() + "/" + n.Name }

// Path returns where the entity lies: "ns" or "ns/pkg".
func (n Name) Path() string {
	if n.Package == "" {
		return n.Namespace
	}
	return n.Namespace + "/" + n.Package
}

// Local returns the name within its namespace: "name" or "pkg/name". It is
// the value that the activation filter `name` is compared with.
func (n Name) Local() string {
	if n.Package == "" {
		return n.Name
	}
	return n.Package + "/" + n.Name
}

// errUnqualified is asserted verbatim by clients. OpenWhisk A.1.31.
const errUnqualified = "requirement failed: The fully qualified name of the entity must contain at least the namespace and the name of the entity."

// ParseName reads a reference as it stands in a document: "/ns/name",
// "/ns/pkg/name", with or without the leading slash, where "_" is replaced
// by own. A reference without a namespace is refused. OpenWhisk 2.8.1, 5.2.3.
func ParseName(ref, own string) (Name, error) {
	parts := strings.Split(strings.TrimPrefix(ref, "/"), "/")
	var n Name
	switch len(parts) {
	case 2:
		n = Name{Namespace: parts[0], Name: parts[1]}
	case 3:
		n = Name{Namespace: parts[0], Package: parts[1], Name: parts[2]}
	default:
		return Name{}, MalformedContent("%s", errUnqualified)
	}
	if n.Namespace == DefaultNamespace {
		n.Namespace = own
	}
	return n, n.Check()
}

// Check reports whether every part of n is legal.
func (n Name) Check() error {
	if err := CheckNamespace(n.Namespace); err != nil {
		return err
	}
	if n.Package != "" {
		if err := CheckName(n.Package); err != nil {
			return err
		}
	}
	return CheckName(n.Name)
}
