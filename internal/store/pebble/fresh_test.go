package pebble_test

import (
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
	"github.com/gowhisk/gowhisk/internal/store/pebble"
)

// TestASecondRecordIsDroppedHoweverLateItComes puts minted ids again, after
// more others than are remembered, after a restart, and with ids from a clock
// that ran ahead.
func TestASecondRecordIsDroppedHoweverLateItComes(t *testing.T) {
	dir := t.TempDir()
	db, mint := open(t, dir, pebble.Options{}), new(entity.Mint)
	var first []*entity.Activation
	for _, ahead := range []time.Duration{0, time.Second, time.Hour} {
		now := time.Now()
		first = append(first, record(new(entity.Mint).New(now.Add(ahead)), now), record(mint.New(now), now))
	}
	again := func(others int) {
		t.Helper()
		fill(t, db, others)
		for _, a := range first {
			second := *a
			second.Start = second.Start.Add(time.Millisecond)
			for _, put := range []*entity.Activation{a, &second} {
				if err := db.Activations().Put(t.Context(), put); err != nil {
					t.Fatal(err)
				}
			}
			got, err := db.Activations().Get(t.Context(), "guest", a.ID)
			if err != nil || !got.Start.Equal(a.Start) {
				t.Fatalf("after %d others: got %v, %v, want the first record", others, got, err)
			}
		}
	}
	total := len(first)
	for _, others := range []int{0, 1, 9_000, 18_000} {
		again(others)
		total += others
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open(t, dir, pebble.Options{})
	again(0)
	if n, err := db.Activations().Count(t.Context(), store.ActivationQuery{Namespace: "guest"}); err != nil || n != total {
		t.Errorf("Count = %d, %v, want %d", n, err, total)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
