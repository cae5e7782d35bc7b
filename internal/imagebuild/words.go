package imagebuild

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/webaction"
)

// Platform is what an image is for, such as linux/arm64.
type Platform = v1.Platform

// ParsePlatforms reads OS/ARCHITECTURE[/VARIANT].
func ParsePlatforms(words []string) ([]Platform, error) {
	var platforms []Platform
	for _, word := range words {
		p, err := v1.ParsePlatform(word)
		if err != nil || p.OS != "linux" || p.Architecture == "" {
			return nil, fmt.Errorf("platform %q is not one such as linux/amd64", word)
		}
		platforms = append(platforms, *p)
	}
	return platforms, nil
}

// Methods checks names of HTTP methods and writes them in capitals.
func Methods(names []string) ([]string, error) {
	var methods []string
	for _, name := range names {
		name = strings.ToUpper(strings.TrimSpace(name))
		if !webaction.Allowed(name) {
			return nil, fmt.Errorf("method %q is none of %s", name, webaction.Methods)
		}
		methods = append(methods, name)
	}
	return methods, nil
}

// Annotations are key-values in order of their keys. What is no JSON is text.
func Annotations(given map[string]string) (actionproxy.KeyValues, error) {
	var kv actionproxy.KeyValues
	for _, pair := range Pairs(given) {
		value := json.RawMessage(pair[1])
		if !json.Valid(value) {
			text, err := json.Marshal(pair[1])
			if err != nil {
				return nil, fmt.Errorf("annotation %s: %w", pair[0], err)
			}
			value = text
		}
		kv = append(kv, actionproxy.KeyValue{Key: pair[0], Value: value})
	}
	return kv, nil
}

// Pairs are the entries in order of their keys.
func Pairs(given map[string]string) [][2]string {
	var pairs [][2]string
	for _, key := range slices.Sorted(maps.Keys(given)) {
		pairs = append(pairs, [2]string{key, given[key]})
	}
	return pairs
}

// LocalName is the name and tag of an image that goes to no registry.
func LocalName(action string) string { return objectName(action) + ":latest" }
