// Package factorytest certifies adapters of containerpool.Factory: each
// sentence of the contract is one sub-test, run with real code in every kind
// that the adapter's test names. An adapter that passes can stand under the
// pool.
package factorytest

import (
	"testing"

	"github.com/gowhisk/gowhisk/internal/containerpool"
)

// Kind is one kind of the adapter with source texts of actions that behave as
// said. An empty text leaves out the sub-tests that need it.
type Kind struct {
	Kind  string // of the runtimes manifest
	Image string // of a blackbox kind
	Main  string // entry point of all texts, "main" if empty

	Echo        string // answers its arguments
	Environment string // answers {"value": the environment variable GREETING}
	Counter     string // answers {"n": how often it ran in this container}
	Number      string // answers the number 42
	Big         string // answers {"text": as many letters as the argument "size" says}
	Lines       string // prints "out 1", "err 1", … "out N", "err N" on the two streams, N being the argument "n"; answers {}
	Nap         string // sleeps as many milliseconds as the argument "ms" says, answers its arguments
	ExitInInit  string // ends its process with code 3 while it is loaded
	ExitInRun   string // ends its process with code 3 instead of answering
	HangInInit  string // never ends loading
	Allocate    string // takes and fills memory until there is none
	Broken      string // cannot be loaded
	Archive     string // base64 of an archive whose entry point answers its arguments
	Escaping    string // base64 of an archive with an entry outside its own folder
}

// Kinds are all that an adapter is tested with.
type Kinds []Kind

// Run certifies the factory that start returns; start skips the test if the
// host cannot run any, and cleans up with t.Cleanup.
func Run(t *testing.T, start func(t *testing.T) (containerpool.Factory, Kinds)) {
	factory, kinds := start(t)
	t.Run("a kind that is unknown is refused", func(t *testing.T) {
		c, err := factory.Create(t.Context(), containerpool.Spec{Kind: "nothing:0"})
		if err == nil {
			t.Errorf("container %s was made", c.ID())
		}
	})
	for _, kind := range kinds {
		t.Run(kind.Kind, func(t *testing.T) {
			for _, s := range sentences() {
				t.Run(s.text, func(t *testing.T) {
					if s.needs != nil && s.needs(&kind) == "" {
						t.Skipf("%s has no text for this", kind.Kind)
					}
					s.holds(&session{T: t, factory: factory, kind: &kind})
				})
			}
		})
	}
}

// sentence is one rule of the contract.
type sentence struct {
	text  string
	needs func(*Kind) string // the source text without which it is left out
	holds func(*session)
}

func sentences() []sentence {
	var all []sentence
	for _, part := range [][]sentence{lifecycle(), answers(), failures(), printing(), abilities()} {
		all = append(all, part...)
	}
	return all
}
