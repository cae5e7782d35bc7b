// Package storetest is the kit that every adapter of package store passes:
// one test per sentence of the contracts. An adapter's own test is a call of
// Run.
package storetest

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gowhisk/gowhisk/internal/store"
)

// Ports is an open store.
type Ports interface {
	Entities() store.Entities
	Activations() store.Activations
	Queue() store.Queue
	Subjects() store.Subjects
	Registry() store.Registry

	// Close waits for what is under way.
	Close() error
}

// Medium is one place where a store lies.
type Medium struct {
	// Open opens the store. What was open before is closed by then.
	Open func(t *testing.T) Ports

	// PowerCut takes from the medium all that is not durable and ends what
	// was opened, without a word to it. nil if the adapter cannot show that.
	PowerCut func(t *testing.T)
}

// Run tests the adapter that makes stores on new, empty media.
func Run(t *testing.T, newMedium func(t *testing.T) Medium) {
	groups := []struct {
		name  string
		tests []namedTest
	}{
		{"Entities", entityTests()},
		{"EntitiesTogether", entityConcurrencyTests()},
		{"Activations", activationTests()},
		{"ActivationLists", activationListTests()},
		{"Prune", pruneTests()},
		{"Queue", queueTests()},
		{"Subjects", subjectTests()},
		{"Registry", registryTests()},
		{"Steps", stepTests()},
		{"AllPorts", commonTests()},
	}
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			for _, test := range g.tests {
				t.Run(test.name, func(t *testing.T) {
					f := &fixture{medium: newMedium(t)}
					f.open(t)
					t.Cleanup(func() { f.close(t) })
					test.run(t, f)
				})
			}
		})
	}
}

// namedTest is one sentence and its test.
type namedTest struct {
	name string
	run  func(t *testing.T, f *fixture)
}

// fixture is the store of one test.
type fixture struct {
	Ports
	medium Medium
}

func (f *fixture) open(t *testing.T) {
	t.Helper()
	f.Ports = f.medium.Open(t)
}

func (f *fixture) close(t *testing.T) {
	t.Helper()
	if f.Ports == nil {
		return
	}
	if err := f.Ports.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	f.Ports = nil
}

// reopen closes the store and opens it again.
func (f *fixture) reopen(t *testing.T) {
	t.Helper()
	f.close(t)
	f.open(t)
}

// powerCut ends the store as a power cut does and opens it again.
func (f *fixture) powerCut(t *testing.T) {
	t.Helper()
	if f.medium.PowerCut == nil {
		t.Skip("the adapter offers no power cut")
	}
	f.medium.PowerCut(t)
	f.open(t)
}

// wellAfter is a time that tests count from.
func wellAfter(ms int) time.Time { return time.UnixMilli(1_700_000_000_000 + int64(ms)) }

// diff compares what was got with what was wanted; no bytes are no bytes,
// nil or not.
func diff(got, want any) string {
	return cmp.Diff(want, got, cmpopts.EquateEmpty(), cmp.FilterValues(
		func(a, b []byte) bool { return len(a)+len(b) > 0 },
		cmp.Comparer(bytes.Equal))) // megabytes at once instead of byte by byte
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
