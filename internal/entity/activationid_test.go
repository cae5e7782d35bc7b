package entity_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
)

func TestActivationIDsGrowThoughTheClockStepsBack(t *testing.T) {
	var m entity.Mint
	now := time.UnixMilli(1763600000000)
	last := entity.ActivationID("")
	for i := range 20_000 {
		switch i {
		case 5000:
			now = now.Add(-time.Hour)
		case 10_000:
			now = now.Add(2 * time.Hour)
		}
		id := m.New(now)
		if _, err := entity.ParseActivationID(string(id)); err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		if id[:16] <= last {
			t.Fatalf("%s comes after %s", id, last)
		}
		if id[12] != '7' || !strings.ContainsRune("89ab", rune(id[16])) {
			t.Fatalf("%s is no UUID of version 7", id)
		}
		last = id[:16]
	}
}

func TestActivationIDsMintedAtOnceAreUnique(t *testing.T) {
	var m entity.Mint
	var mu sync.Mutex
	var ids []entity.ActivationID
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			own := make([]entity.ActivationID, 2000)
			for i := range own {
				own[i] = m.New(time.UnixMilli(1763600000000))
			}
			if !slices.IsSorted(own) {
				t.Error("ids of one caller are out of order")
			}
			mu.Lock()
			defer mu.Unlock()
			ids = append(ids, own...)
		})
	}
	all.Wait()
	slices.Sort(ids)
	if n := len(slices.Compact(ids)); n != 16_000 {
		t.Errorf("%d of 16000 ids are unique", n)
	}
}

func TestActivationIDsFromPathsAreChecked(t *testing.T) {
	for id, want := range map[string]string{
		strings.Repeat("0a", 16): "",
		strings.Repeat("0a", 15): "Activation id length is 30 but must be 32.",
		strings.Repeat("0a", 17): "Activation id length is 34 but must be 32.",
		"":                       "Activation id length is 0 but must be 32.",
		strings.Repeat("0A", 16): "The activation id is not valid.",
		strings.Repeat("0-", 16): "The activation id is not valid.",
		strings.Repeat("g", 32):  "The activation id is not valid.",
	} {
		if _, err := entity.ParseActivationID(id); textOf(err) != want {
			t.Errorf("%q: %q, want %q", id, textOf(err), want)
		}
	}
}

func TestErrorsAreComparedByKindAndText(t *testing.T) {
	err := error(entity.ErrUnavailable.WithCode("GW3002").Because(entity.ErrCorrupted))
	e := entity.ErrUnavailable
	if e.Code != "" || e.Err != nil {
		t.Error("the shared error was changed")
	}
	for _, row := range []struct {
		name string
		got  bool
		want bool
	}{
		{"itself", errors.Is(err, entity.ErrUnavailable), true},
		{"its cause", errors.Is(err, entity.ErrCorrupted), true},
		{"another", errors.Is(err, entity.ErrNotFound), false},
		{"its kind", errors.Is(err, &entity.Error{Kind: entity.Unavailable}), true},
	} {
		if row.got != row.want {
			t.Errorf("is %s: %v, want %v", row.name, row.got, row.want)
		}
	}
	if k := entity.KindOf(err); k != entity.Unavailable {
		t.Errorf("kind is %d", k)
	}
}
