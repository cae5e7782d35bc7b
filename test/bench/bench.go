package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/gowhisk/gowhisk/runtimes"
)

// bench is one run: what it measures with and what it found.
type bench struct {
	opt       options
	dir       string // removed at the end
	machine   machine
	languages []language
	rows      []row
	folders   int // made in dir
}

func newBench(ctx context.Context, opt options) (*bench, error) {
	if _, err := os.Stat(opt.binary); err != nil {
		return nil, fmt.Errorf("the executable under test: %w: run make build first", err)
	}
	b := &bench{opt: opt}
	if err := b.findLanguages(ctx); err != nil {
		return nil, err
	}
	var err error
	if b.machine, err = describe(b.languages); err != nil {
		return nil, err
	}
	if b.dir, err = os.MkdirTemp(opt.dir, "gowhisk-bench-"); err != nil {
		return nil, fmt.Errorf("temporary directory: %w", err)
	}
	for _, l := range b.languages {
		if err := layOutRunner(l, b.dir); err != nil {
			return nil, fmt.Errorf("lay out the bare runner: %w", err)
		}
	}
	return b, nil
}

func (b *bench) close() error { return os.RemoveAll(b.dir) }

// folder makes an empty directory.
func (b *bench) folder() (string, error) {
	b.folders++
	name := filepath.Join(b.dir, strconv.Itoa(b.folders))
	return name, os.Mkdir(name, 0o700)
}

// script is the path of the bare runner of l.
func (b *bench) script(l language) string { return filepath.Join(b.dir, l.file) }

// scale returns full, or quick in a quick run.
func (b *bench) scale(full, quick int) int {
	if b.opt.quick {
		return quick
	}
	return full
}

// findLanguages finds the interpreters in the way that the server does, so
// that the bare runners use the same ones. Languages that this host lacks
// are not measured.
func (b *bench) findLanguages(ctx context.Context) error {
	hosts, err := runtimes.Discover(ctx, runtimes.Search(os.Getenv("PATH"), os.Getenv("HOME")))
	if err != nil {
		return err
	}
	defaults, err := defaultKinds()
	if err != nil {
		return err
	}
	for _, l := range languages() {
		usable := slices.DeleteFunc(slices.Clone(hosts), func(h runtimes.Host) bool {
			return h.Family.Name != l.family || !h.Usable()
		})
		if len(usable) == 0 {
			continue
		}
		at := max(0, slices.IndexFunc(usable, func(h runtimes.Host) bool { return slices.Contains(defaults, h.Kind) }))
		l.kind, l.interpreter, l.version = usable[at].Kind, usable[at].Path, usable[at].Version
		b.languages = append(b.languages, l)
	}
	if len(b.languages) == 0 {
		return fmt.Errorf("neither node nor python3 was found on this host")
	}
	return nil
}

// kindEntry is what matters here of a kind in the runtimes manifest.
type kindEntry struct {
	Kind    string `json:"kind"`
	Default bool   `json:"default"`
}

// defaultKinds lists the default kind of every family.
func defaultKinds() ([]string, error) {
	var doc struct {
		Runtimes map[string][]kindEntry `json:"runtimes"`
	}
	if err := json.Unmarshal(runtimes.Manifest(), &doc); err != nil {
		return nil, fmt.Errorf("runtimes manifest: %w", err)
	}
	var kinds []string
	for _, family := range doc.Runtimes {
		for _, k := range family {
			if k.Default {
				kinds = append(kinds, k.Kind)
			}
		}
	}
	return kinds, nil
}
