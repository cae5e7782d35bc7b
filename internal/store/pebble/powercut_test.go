package pebble_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
	"github.com/gowhisk/gowhisk/internal/store/pebble"
)

var powercuts = flag.Int("powercuts", 30, "how often the power is cut")

// TestHardWritesSurviveAnyLossOfWhatIsNotSynced cuts the power while soft
// and hard writes run, with none, half, most and all of the unsynced data
// left in random pieces. The store must open each time and hold every hard write.
func TestHardWritesSurviveAnyLossOfWhatIsNotSynced(t *testing.T) {
	for round := range *powercuts {
		percent := []int{0, 50, 95, 100}[round%4]
		t.Run(fmt.Sprintf("round %d with %d percent", round, percent), func(t *testing.T) {
			w := newWorkload(t)
			w.run(t, 8)
			cut := w.cut(percent, int64(round))
			w.stop(t)
			w.check(t, cut)
		})
	}
}

// workload writes to a store in memory and remembers what was acknowledged.
type workload struct {
	fs   *vfs.MemFS
	db   *pebble.DB
	quit chan struct{}
	busy sync.WaitGroup
	seen chan struct{} // one for each hard acknowledgement at first

	mu       sync.Mutex
	recorded map[entity.ActivationID]bool // guarded by mu; queued, then stored
	queued   map[entity.ActivationID]bool // guarded by mu; queued only
	entities map[string]bool              // guarded by mu
}

func newWorkload(t *testing.T) *workload {
	w := &workload{
		fs: vfs.NewCrashableMem(), quit: make(chan struct{}), seen: make(chan struct{}, 200),
		recorded: make(map[entity.ActivationID]bool), queued: make(map[entity.ActivationID]bool),
		entities: make(map[string]bool),
	}
	w.db = open(t, "a/store", pebble.Options{FS: w.fs, Seal: testSeal(t)})
	return w
}

// run starts the writers and returns after enough hard acknowledgements.
func (w *workload) run(t *testing.T, writers int) {
	for i := range writers {
		w.busy.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-w.quit:
					return
				default:
				}
				if err := w.write(t, i*1_000_000+n); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range cap(w.seen) {
		<-w.seen
	}
}

// write makes a soft record of four in five, of the fifth hard writes.
func (w *workload) write(t *testing.T, n int) error {
	id := numberedID(n)
	if n%5 != 0 {
		return w.db.Activations().Put(t.Context(), record(id, time.Now()))
	}
	doc := store.Document{Name: entity.Name{Namespace: "guest", Name: string(id)}, Collection: entity.Actions}
	if _, err := w.db.Entities().Put(t.Context(), doc, nil); err != nil {
		return err
	}
	w.note(func() { w.entities[string(id)] = true })
	if err := w.db.Queue().Enqueue(t.Context(), id, []byte("body")); err != nil {
		return err
	}
	if n%10 == 0 {
		w.note(func() { w.queued[id] = true })
		return nil
	}
	a := record(id, time.Now())
	if n%3 == 0 { // lies in several parts
		a.Logs = []string{strings.Repeat("l", 300_000)}
	}
	if err := w.db.Activations().Put(t.Context(), a); err != nil {
		return err
	}
	w.note(func() { w.recorded[id] = true })
	return nil
}

func (w *workload) note(what func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	what()
	select {
	case w.seen <- struct{}{}:
	default:
	}
}

// promised is what was acknowledged before a cut, and what the cut left.
type promised struct {
	fs                         *vfs.MemFS
	recorded, queued, entities []string
}

func (w *workload) cut(percent int, seed int64) promised {
	w.mu.Lock()
	defer w.mu.Unlock()
	var p promised
	for id := range w.recorded {
		p.recorded = append(p.recorded, string(id))
	}
	for id := range w.queued {
		p.queued = append(p.queued, string(id))
	}
	for name := range w.entities {
		p.entities = append(p.entities, name)
	}
	p.fs = w.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(uint64(seed), 1))})
	return p
}

func (w *workload) stop(t *testing.T) {
	close(w.quit)
	w.busy.Wait()
	if err := w.db.Close(); err != nil {
		t.Error(err)
	}
}

func (w *workload) check(t *testing.T, p promised) {
	db := open(t, "a/store", pebble.Options{FS: p.fs, Seal: testSeal(t)})
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	items := make(map[string]bool)
	err := db.Queue().Items(t.Context(), func(it store.Item) error {
		items[string(it.ID)] = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range p.recorded {
		if _, err := db.Activations().Get(t.Context(), "guest", entity.ActivationID(id)); err != nil || items[id] {
			t.Errorf("record %s: %v, still queued %t", id, err, items[id])
		}
	}
	for _, id := range p.queued {
		if !items[id] {
			t.Errorf("queued item %s is lost", id)
		}
	}
	for _, name := range p.entities {
		if _, err := db.Entities().Get(t.Context(), entity.Name{Namespace: "guest", Name: name}); err != nil {
			t.Errorf("entity %s: %v", name, err)
		}
	}
	for range 3 { // and the store works on
		id := numberedID(500_000_000 + rand.IntN(1000))
		if err := db.Activations().Put(t.Context(), record(id, time.Now())); err != nil {
			t.Error(err)
		}
	}
}
