package server

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/manifest"
	"github.com/gowhisk/gowhisk/runtimes"
)

func TestOperatorsStemCellsComeBeforeThoseOfTheManifest(t *testing.T) {
	m, err := manifest.Parse([]byte(`{"runtimes": {
		"nodejs": [{"kind": "nodejs:20", "default": true, "image": {"prefix": "p", "name": "n", "tag": "t"}, "stemCells": [
			{"initialCount": 2, "memory": "256 MB", "reactive": {"minCount": 1, "maxCount": 4, "ttl": "2 minutes", "threshold": 1, "increment": 1}}]}],
		"python": [{"kind": "python:3.11", "default": true, "image": {"prefix": "p", "name": "n", "tag": "t"}, "stemCells": [
			{"initialCount": 1, "memory": "256 MB"}]}],
		"ruby": [{"kind": "ruby:3.1", "default": true, "image": {"prefix": "p", "name": "n", "tag": "t"}}]
	}}`))
	if err != nil {
		t.Fatal(err)
	}
	hosts := []runtimes.Host{{Kind: "nodejs:20"}, {Kind: "python:3.11"}, {Kind: "ruby:3.1", Missing: "it is not installed"}}
	type cells = map[string]containerpool.StemCells
	for _, tc := range []struct {
		name       string
		configured map[string]int
		want       cells
	}{
		{"none said", nil, cells{"nodejs:20": {Min: 2, Max: 4}, "python:3.11": {Min: 1, Max: 1}}},
		{"fewer than the most", map[string]int{"nodejs:20": 1}, cells{"nodejs:20": {Min: 1, Max: 4}, "python:3.11": {Min: 1, Max: 1}}},
		{"more than the most", map[string]int{"nodejs:20": 9}, cells{"nodejs:20": {Min: 9, Max: 9}, "python:3.11": {Min: 1, Max: 1}}},
		{"0 is none, whatever the demand", map[string]int{"nodejs:20": 0}, cells{"python:3.11": {Min: 1, Max: 1}}},
		{"of a kind that the host lacks", map[string]int{"ruby:3.1": 3}, cells{"nodejs:20": {Min: 2, Max: 4}, "python:3.11": {Min: 1, Max: 1}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, stemCells(m, hosts, tc.configured)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
