package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// step is one call on one document in a history; kind is "get", "put" or
// "delete", given the revision that a put or delete names.
type step struct {
	key   int
	kind  string
	given uint64
}

// outcome is what a step returned.
type outcome struct {
	rev     uint64 // of get and put
	refused bool
}

// document is the model: a register that compares the revision and sets
// another. 0 means that there is no document.
func document() porcupine.Model {
	return porcupine.Model{
		Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
			parts := make([][]porcupine.Operation, 3)
			for _, op := range history {
				k := op.Input.(step).key
				parts[k] = append(parts[k], op)
			}
			return parts
		},
		Init: func() any { return uint64(0) },
		Step: func(state, input, output any) (bool, any) {
			rev, in, out := state.(uint64), input.(step), output.(outcome)
			switch {
			case in.kind == "get":
				return out.rev == rev, rev
			case out.refused:
				return in.given != rev, rev
			case in.given != rev:
				return false, rev
			case in.kind == "delete":
				return true, uint64(0)
			}
			return out.rev != 0 && out.rev != rev, out.rev
		},
	}
}

func checkLinearizable(t *testing.T, f *fixture) {
	var mu sync.Mutex
	var history []porcupine.Operation
	began := time.Now()
	together(func(caller int) {
		random := rand.New(rand.NewPCG(uint64(caller), 1))
		known := make(map[int]uint64)
		for range 40 {
			in := step{key: random.IntN(3), kind: []string{"get", "put", "put", "delete"}[random.IntN(4)]}
			in.given = known[in.key]
			if in.kind == "delete" && in.given == 0 {
				in.kind = "get"
			}
			call := time.Since(began)
			out, err := f.play(t, in)
			ret := time.Since(began)
			if err != nil {
				t.Error(err)
				return
			}
			known[in.key] = out.rev
			mu.Lock()
			history = append(history, porcupine.Operation{
				ClientId: caller, Input: in, Call: int64(call), Output: out, Return: int64(ret),
			})
			mu.Unlock()
		}
	})
	if !porcupine.CheckOperations(document(), history) {
		t.Errorf("a history of %d calls is not linearizable", len(history))
	}
}

// play makes the call; the error is set if it is none that the contract
// foresees.
func (f *fixture) play(t *testing.T, in step) (out outcome, err error) {
	doc := action(name(fmt.Sprint("n", in.key)), 0)
	doc.Revision = in.given
	switch in.kind {
	case "get":
		doc, err = f.Entities().Get(t.Context(), doc.Name)
		if errors.Is(err, entity.ErrNotFound) {
			return outcome{}, nil
		}
		return outcome{rev: doc.Revision}, err
	case "put":
		out.rev, err = f.Entities().Put(t.Context(), doc, nil)
	case "delete":
		err = f.Entities().Delete(t.Context(), doc.Name, in.given)
	}
	refusals := []error{entity.ErrExists, entity.ErrModified, entity.ErrNotFound}
	for _, r := range refusals {
		if errors.Is(err, r) {
			return outcome{refused: true}, nil
		}
	}
	return out, err
}
