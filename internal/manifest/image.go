package manifest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// Image names a container image. Only Name is never empty.
type Image struct {
	Registry string `json:"registry"` // host[:port]
	Prefix   string `json:"prefix"`   // path before the name, may contain slashes
	Name     string `json:"name"`
	Tag      string `json:"tag"`
	Digest   string `json:"digest"` // "sha256:…", wins over Tag
}

var (
	imagePart   = regexp.MustCompile(`^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$`)
	imageHost   = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?$`)
	imageTag    = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)
	imageDigest = regexp.MustCompile(`^[a-z0-9]+:[0-9a-f]{32,}$`)
)

// ParseImage reads "name", "prefix/name", "prefix/name:tag" or
// "host[:port]/prefix/name:tag", each with an optional "@digest". OpenWhisk
// 2.1.3.
func ParseImage(s string) (Image, error) {
	var img Image
	rest, digest, pinned := strings.Cut(s, "@")
	img.Digest = digest
	if i := strings.LastIndexByte(rest, ':'); i > strings.LastIndexByte(rest, '/') {
		rest, img.Tag = rest[:i], rest[i+1:]
		if !imageTag.MatchString(img.Tag) {
			return Image{}, fmt.Errorf("image %q has a malformed tag", s)
		}
	}
	parts := strings.Split(rest, "/")
	if host := parts[0]; len(parts) > 1 && (strings.ContainsAny(host, ".:") || host == "localhost") {
		img.Registry, parts = host, parts[1:]
	}
	for _, part := range parts {
		if !imagePart.MatchString(part) {
			return Image{}, fmt.Errorf("image %q has a malformed name", s)
		}
	}
	if img.Registry != "" && !imageHost.MatchString(img.Registry) || pinned && !imageDigest.MatchString(digest) {
		return Image{}, fmt.Errorf("image %q has a malformed registry or digest", s)
	}
	img.Name = parts[len(parts)-1]
	img.Prefix = strings.Join(parts[:len(parts)-1], "/")
	return img, nil
}

// String renders the form that ParseImage reads.
func (i Image) String() string {
	s := i.Name
	if i.Prefix != "" {
		s = i.Prefix + "/" + s
	}
	if i.Registry != "" {
		s = i.Registry + "/" + s
	}
	if i.Tag != "" {
		s += ":" + i.Tag
	}
	if i.Digest != "" {
		s += "@" + i.Digest
	}
	return s
}

// UnmarshalJSON accepts the object of a manifest and the string form.
func (i *Image) UnmarshalJSON(data []byte) error {
	var s string
	if json.Unmarshal(data, &s) == nil {
		img, err := ParseImage(s)
		*i = img
		return err
	}
	type plain Image
	if err := json.Unmarshal(data, (*plain)(i)); err != nil {
		return err
	}
	if _, err := ParseImage(i.String()); err != nil {
		return err
	}
	return nil
}

// or returns i with the parts that it leaves open taken from fallback.
func (i Image) or(fallback Image) Image {
	if i.Registry == "" {
		i.Registry = fallback.Registry
	}
	if i.Prefix == "" {
		i.Prefix = fallback.Prefix
	}
	if i.Tag == "" && i.Digest == "" {
		i.Tag = fallback.Tag
	}
	return i
}
