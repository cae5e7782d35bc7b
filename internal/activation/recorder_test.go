package activation_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/gowhisk/gowhisk/internal/activation"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// medium is the part of a store that a Recorder uses.
type medium struct {
	store.Activations
	store.Queue

	mu      sync.Mutex
	put     func() error                                // guarded by mu; nil succeeds
	stored  []entity.ActivationID                       // guarded by mu
	removed []entity.ActivationID                       // guarded by mu
	prunes  []func() (before time.Time, maxBytes int64) // guarded by mu
}

func (m *medium) refuse(put func() error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put = put
}

func (m *medium) Put(_ context.Context, a *entity.Activation) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.put != nil {
		if err := m.put(); err != nil {
			return err
		}
	}
	m.stored = append(m.stored, a.ID)
	return nil
}

func (m *medium) Remove(_ context.Context, id entity.ActivationID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.removed = append(m.removed, id)
	return nil
}

func (m *medium) Prune(_ context.Context, before time.Time, maxBytes int64) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.prunes = append(m.prunes, func() (time.Time, int64) { return before, maxBytes })
	return 1, nil
}

// run runs the recorder until the end of the test.
func run(t *testing.T, m *medium, opt activation.Options) *activation.Recorder {
	r := activation.NewRecorder(m, m, opt)
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { r.Run(ctx) })
	t.Cleanup(func() { cancel(); all.Wait() })
	return r
}

func record(n int) *entity.Activation {
	return &entity.Activation{ID: entity.ActivationID(fmt.Sprintf("%032d", n))}
}

var errFull = errors.New("disk full")

func TestRecordsThatTheStoreRefusesAreKeptAndTriedAgainInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &medium{}
		m.refuse(func() error { return errFull })
		r := run(t, m, activation.Options{})
		for n := range 3 {
			if err := r.Record(t.Context(), &entity.Identity{}, record(n), true); !errors.Is(err, errFull) {
				t.Errorf("error is %v, want the refusal", err)
			}
		}
		time.Sleep(5 * time.Second)
		if err := r.Ready(); !errors.Is(err, errFull) {
			t.Errorf("ready says %v, want the refusal", err)
		}
		m.refuse(nil)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if err := r.Ready(); err != nil || len(m.stored) != 3 || m.stored[0] != record(0).ID {
			t.Errorf("ready says %v, stored are %v", err, m.stored)
		}
	})
}

func TestRecordRefusedWhileOthersAreTriedAgainIsNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &medium{}
		m.refuse(func() error { return errFull })
		r := run(t, m, activation.Options{})
		_ = r.Record(t.Context(), &entity.Identity{}, record(0), true)
		first := true
		m.refuse(func() error { // the retry succeeds, whoever comes meanwhile does not
			if first {
				first = false
				go func() { _ = r.Record(context.Background(), &entity.Identity{}, record(1), true) }()
				return nil
			}
			return errFull
		})
		time.Sleep(1500 * time.Millisecond)
		if err := r.Ready(); !errors.Is(err, errFull) {
			t.Errorf("ready says %v with a record that waits", err)
		}
		m.refuse(nil)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if err := r.Ready(); err != nil || len(m.stored) != 2 {
			t.Errorf("ready says %v, stored are %v", err, m.stored)
		}
	})
}

func TestRefusedRecordsAreBoundedAndTheLossIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &medium{}
		m.refuse(func() error { return errFull })
		r := run(t, m, activation.Options{})
		texts := map[bool]int{}
		fill := func(from, to int) {
			for n := from; n < to; n++ {
				a := record(n)
				a.Logs = []string{strings.Repeat("x", 1<<20-1024)}
				err := r.Record(t.Context(), &entity.Identity{}, a, false)
				texts[err != nil && err.Error() == fmt.Sprintf("record of activation %s waits for the store: disk full", a.ID)]++
			}
		}
		fill(0, 70)
		if texts[true] != 64 || texts[false] != 6 {
			t.Errorf("%d MB wait and %d are lost, want 64 and 6", texts[true], texts[false])
		}
		m.refuse(nil)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		m.refuse(func() error { return errFull })
		fill(70, 134)
		if texts[true] != 128 || len(m.stored) != 64 {
			t.Errorf("%d waited in all and %d are stored, want 128 and 64", texts[true], len(m.stored))
		}
		m.refuse(nil)
	})
}

func TestRefusedRecordsAreTriedALastTimeAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &medium{}
		m.refuse(func() error { return errFull })
		r := activation.NewRecorder(m, m, activation.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { r.Run(ctx); close(done) }()
		_ = r.Record(t.Context(), &entity.Identity{}, record(0), true)
		m.refuse(nil)
		cancel()
		<-done
		if len(m.stored) != 1 {
			t.Errorf("stored are %v", m.stored)
		}
	})
}

func TestNamespaceThatKeepsNoRecordsLeavesTheQueueEmpty(t *testing.T) {
	m := &medium{}
	r := activation.NewRecorder(m, m, activation.Options{})
	no := false
	id := &entity.Identity{Limits: entity.NamespaceLimits{StoreActivations: &no}}
	for n, queued := range []bool{true, false} {
		if err := r.Record(t.Context(), id, record(n), queued); err != nil {
			t.Error(err)
		}
	}
	if len(m.stored) != 0 || len(m.removed) != 1 || m.removed[0] != record(0).ID {
		t.Errorf("stored %v, removed %v", m.stored, m.removed)
	}
}

func TestOldRecordsArePrunedAtOnceAndEveryMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &medium{}
		run(t, m, activation.Options{MaxAge: time.Hour, MaxBytes: 7})
		time.Sleep(150 * time.Second)
		synctest.Wait()
		if len(m.prunes) != 3 {
			t.Fatalf("pruned %d times in 150 s, want 3", len(m.prunes))
		}
		before, maxBytes := m.prunes[2]()
		if age := time.Since(before); age != time.Hour+30*time.Second || maxBytes != 7 {
			t.Errorf("pruned what is older than %s over %d bytes", age, maxBytes)
		}
	})
}

func TestRecordsWithoutBoundsAreNeverPruned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &medium{}
		run(t, m, activation.Options{})
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(m.prunes) != 0 {
			t.Errorf("pruned %d times", len(m.prunes))
		}
	})
}
