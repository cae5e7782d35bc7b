package entity

import (
	"strconv"
	"strings"
)

// Version is a semantic version; the first one of an entity is 0.0.1.
type Version struct{ Major, Minor, Patch int }

// FirstVersion is what a new entity gets when its document names none.
var FirstVersion = Version{Patch: 1}

// ParseVersion reads "major[.minor[.patch]]"; missing parts count as 0,
// parts after the third are ignored, 0.0.0 is refused. OpenWhisk 1.8.8.
func ParseVersion(s string) (Version, error) {
	var n [3]int
	for i, part := range strings.Split(s, ".") {
		if i == len(n) {
			break
		}
		v, err := strconv.Atoi(part)
		if err != nil || v < 0 {
			return Version{}, MalformedContent("semantic version malformed")
		}
		n[i] = v
	}
	v := Version{n[0], n[1], n[2]}
	if v == (Version{}) {
		return Version{}, MalformedContent("semantic version malformed")
	}
	return v, nil
}

// Next returns v with the patch number raised by one.
func (v Version) Next() Version { v.Patch++; return v }

func (v Version) String() string { return string(v.append(nil)) }

// MarshalText renders "major.minor.patch".
func (v Version) MarshalText() ([]byte, error) { return v.append(nil), nil }

func (v Version) append(dst []byte) []byte {
	dst = append(strconv.AppendInt(dst, int64(v.Major), 10), '.')
	dst = append(strconv.AppendInt(dst, int64(v.Minor), 10), '.')
	return strconv.AppendInt(dst, int64(v.Patch), 10)
}

// UnmarshalText is ParseVersion.
func (v *Version) UnmarshalText(text []byte) (err error) {
	*v, err = ParseVersion(string(text))
	return err
}
