package storetest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// callers is how many call at once in tests of concurrency.
const callers = 16

// together runs do in all callers and waits for them.
func together(do func(caller int)) {
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() { do(i) })
	}
	wg.Wait()
}

func entityConcurrencyTests() []namedTest {
	return []namedTest{
		{"OneOfManyCreatorsWins", func(t *testing.T, f *fixture) {
			var won atomic.Int32
			together(func(i int) {
				doc := action(name("hello"), i)
				if i%2 == 1 {
					doc.Collection = entity.Triggers
				}
				_, err := f.Entities().Put(t.Context(), doc, nil)
				if err == nil {
					won.Add(1)
					return
				}
				wantError(t, "Put", err, entity.ErrExists)
			})
			if won.Load() != 1 {
				t.Errorf("%d creators won, want 1", won.Load())
			}
		}},
		{"NoUpdateIsLost", func(t *testing.T, f *fixture) {
			const each = 10
			doc := action(name("counter"), 0)
			doc.Body = nil
			f.put(t, doc)
			together(func(int) {
				for done := 0; done < each; {
					doc, err := f.Entities().Get(t.Context(), name("counter"))
					if err != nil {
						t.Error(err)
						return
					}
					doc.Body = append(doc.Body, 'x')
					_, err = f.Entities().Put(t.Context(), doc, nil)
					if err == nil {
						done++
					} else if !errors.Is(err, entity.ErrModified) {
						t.Error(err)
						return
					}
				}
			})
			got, err := f.Entities().Get(t.Context(), name("counter"))
			must(t, err)
			if len(got.Body) != callers*each {
				t.Errorf("%d updates are there, want %d", len(got.Body), callers*each)
			}
		}},
		{"RevisionsOfDifferentCallersDiffer", func(t *testing.T, f *fixture) {
			var seen sync.Map
			together(func(i int) {
				for n := range 5 {
					doc := action(name("p", string(rune('a'+i))), n)
					rev, err := f.Entities().Put(t.Context(), doc, nil)
					if err == nil {
						err = f.Entities().Delete(t.Context(), doc.Name, rev)
					}
					if _, twice := seen.LoadOrStore(rev, true); err != nil || twice {
						t.Errorf("revision %d: twice %t, error %v", rev, twice, err)
					}
				}
			})
		}},
		{"HistoriesAreLinearizable", checkLinearizable},
		{"AnyScriptDoesWhatAMapDoes", checkAgainstModel},
	}
}
