package server

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gowhisk/gowhisk/internal/backend/knative"
	"github.com/gowhisk/gowhisk/internal/config"
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

func TestStemCellsOfAClusterFollowTheManifestAndTheOperator(t *testing.T) {
	m, err := manifest.Parse([]byte(`{"runtimes": {
		"nodejs": [{"kind": "nodejs:20", "default": true, "image": {"prefix": "p", "name": "n", "tag": "t"}, "stemCells": [
			{"initialCount": 2, "memory": "256 MB"}, {"initialCount": 1, "memory": "512 MB"}]}],
		"python": [{"kind": "python:3.11", "default": true, "image": {"prefix": "p", "name": "n", "tag": "t"}, "stemCells": [
			{"initialCount": 1, "memory": "256 MB"}]}],
		"ruby": [{"kind": "ruby:3.1", "default": true, "image": {"prefix": "p", "name": "n", "tag": "t"}}]
	}}`))
	if err != nil {
		t.Fatal(err)
	}
	images := map[string]string{"nodejs:20": "n", "ruby:3.1": "r"}
	type cells = map[knative.StemCell]int
	node, big, ruby := knative.StemCell{Kind: "nodejs:20", Memory: 256}, knative.StemCell{Kind: "nodejs:20", Memory: 512}, knative.StemCell{Kind: "ruby:3.1", Memory: 256}
	for _, tc := range []struct {
		name       string
		configured map[string]int
		want       cells
	}{
		{"none said", nil, cells{node: 2, big: 1}},
		{"of a kind", map[string]int{"nodejs:20": 3}, cells{node: 3, big: 3}},
		{"of a kind that the manifest has none of", map[string]int{"ruby:3.1": 1}, cells{node: 2, big: 1, ruby: 1}},
		{"all", map[string]int{"all": 1}, cells{node: 1, big: 1, ruby: 1}},
		{"none", map[string]int{"all": 0}, cells{}},
		{"one kind alone", map[string]int{"all": 0, "ruby:3.1": 2}, cells{ruby: 2}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, stemCellsInCluster(m, config.Knative{Images: images, StemCells: tc.configured})); diff != "" {
				t.Error(diff)
			}
		})
	}
}
