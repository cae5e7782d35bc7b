// Package systempackages installs what every server brings along in the
// namespace whisk.system: packages whose actions are ordinary ones to
// everybody who calls them. What is installed is data; this package knows how
// it comes in, and when it comes anew.
package systempackages

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// Package is one package to install.
type Package struct {
	Name        string
	Version     entity.Version // raised with every change to what is installed
	Publish     bool
	Parameters  entity.Parameters
	Annotations entity.Parameters
	Actions     []Action
}

// Action is one action of a package.
type Action struct {
	Name        string
	Exec        entity.Exec // Kind is a concrete one; Code is there if it needs any
	Parameters  entity.Parameters
	Annotations entity.Parameters // beside those that every action gets
	Limits      *entity.Limits    // nil for the default ones
}

// Catalog is what Install asks of the catalog.
type Catalog interface {
	Package(ctx context.Context, name entity.Name) (*entity.Package, error)
	PutPackage(ctx context.Context, p *entity.Package) (*entity.Package, error)
	Action(ctx context.Context, name entity.Name) (*entity.Action, error)
	PutAction(ctx context.Context, a *entity.Action) (*entity.Action, error)
	DeleteAction(ctx context.Context, name entity.Name) (*entity.Action, error)
}

// Registry is where Install remembers what it has installed; it owns the
// entries of its kind.
type Registry interface {
	PutEntries(ctx context.Context, entries ...store.Entry) error
	Entries(ctx context.Context, kind, prefix string, visit func(store.Entry) error) error
}

// kind is that of the entries in the registry.
const kind = "system-package"

// installed is what is remembered of a package.
type installed struct {
	Version entity.Version `json:"version"`
	Actions []string       `json:"actions"`
	Kinds   []string       `json:"kinds"` // of the actions, each once
}

// Install brings the packages into the namespace, each once for every version:
// what its owner changed, or deleted, stays so until the version rises, or
// until the host has other kinds for its actions. It may be called anew after
// any failure.
func Install(ctx context.Context, c Catalog, r Registry, namespace string, packages []Package) error {
	known, err := remembered(ctx, r)
	if err != nil {
		return err
	}
	work := &group{}
	var mu sync.Mutex
	var done []store.Entry // guarded by mu
	for i := range packages {
		p := &packages[i]
		old, ok := known[p.Name]
		if ok && compare(old.Version, p.Version) >= 0 && slices.Equal(old.Kinds, p.kinds()) {
			continue
		}
		work.do(func() error {
			in := installation{c: c, namespace: namespace, pkg: p}
			if err := in.run(ctx, old.Actions); err != nil {
				return fmt.Errorf("install package %s: %w", p.Name, err)
			}
			entry, err := p.entry()
			mu.Lock()
			defer mu.Unlock()
			done = append(done, entry)
			return err
		})
	}
	err = work.wait()
	if len(done) > 0 {
		err = errors.Join(err, r.PutEntries(ctx, done...))
	}
	return err
}

func remembered(ctx context.Context, r Registry) (map[string]installed, error) {
	known := map[string]installed{}
	err := r.Entries(ctx, kind, "", func(e store.Entry) error {
		var in installed
		if err := json.Unmarshal(e.Body, &in); err == nil { // else it is installed anew
			known[e.Key] = in
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read which packages are installed: %w", err)
	}
	return known, nil
}

func (p *Package) entry() (store.Entry, error) {
	in := installed{Version: p.Version, Kinds: p.kinds()}
	for _, a := range p.Actions {
		in.Actions = append(in.Actions, a.Name)
	}
	body, err := entity.Marshal(in)
	return store.Entry{Kind: kind, Key: p.Name, Body: body}, err
}

// kinds are those of the actions.
func (p *Package) kinds() []string {
	var all []string
	for _, a := range p.Actions {
		all = append(all, a.Exec.Kind)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func compare(a, b entity.Version) int {
	return cmp.Or(cmp.Compare(a.Major, b.Major), cmp.Compare(a.Minor, b.Minor), cmp.Compare(a.Patch, b.Patch))
}
