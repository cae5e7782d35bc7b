package storetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

func entry(kind, key string) store.Entry {
	return store.Entry{Kind: kind, Key: key, Body: []byte("body of " + kind + " " + key)}
}

func (f *fixture) wantEntries(t *testing.T, kind, prefix string, want ...store.Entry) {
	t.Helper()
	var got []store.Entry
	must(t, f.Registry().Entries(t.Context(), kind, prefix, func(e store.Entry) error {
		got = append(got, e)
		return nil
	}))
	if d := diff(got, want); d != "" {
		t.Errorf("Entries(%q, %q) (-want +got):\n%s", kind, prefix, d)
	}
}

func registryTests() []namedTest {
	return []namedTest{
		{"EntriesAreKeptByKindAndKey", func(t *testing.T, f *fixture) {
			must(t, f.Registry().PutEntries(t.Context(), entry("alarm", "b"), entry("alarm", "a"), entry("alarms", "a"), entry("api", "a")))
			f.reopen(t)
			f.wantEntries(t, "alarm", "", entry("alarm", "a"), entry("alarm", "b"))
			f.wantEntries(t, "api", "", entry("api", "a"))
			f.wantEntries(t, "none", "")
			body, err := f.Registry().Entry(t.Context(), "alarms", "a")
			must(t, err)
			if string(body) != "body of alarms a" {
				t.Errorf("got %q", body)
			}
			_, err = f.Registry().Entry(t.Context(), "alarms", "b")
			wantError(t, "Entry", err, entity.ErrNotFound)
		}},
		{"PutEntriesReplacesAndDeleteEntriesRemoves", func(t *testing.T, f *fixture) {
			must(t, f.Registry().PutEntries(t.Context(), entry("api", "a"), entry("api", "b"), entry("api", "c")))
			changed := store.Entry{Kind: "api", Key: "b"}
			must(t, f.Registry().PutEntries(t.Context(), changed))
			must(t, f.Registry().DeleteEntries(t.Context(), "api", "a", "absent"))
			f.wantEntries(t, "api", "", changed, entry("api", "c"))
		}},
		{"EntriesWalksALongKindByPrefixInOrder", func(t *testing.T, f *fixture) {
			var want []store.Entry
			for n := range 1000 {
				want = append(want, entry("alarm", fmt.Sprintf("guest/%04d", n)))
			}
			must(t, f.Registry().PutEntries(t.Context(), want...))
			must(t, f.Registry().PutEntries(t.Context(), entry("alarm", "gues"), entry("alarm", "guest0")))
			f.wantEntries(t, "alarm", "guest/", want...)
		}},
		{"EntriesEndsWithTheErrorOfVisit", func(t *testing.T, f *fixture) {
			must(t, f.Registry().PutEntries(t.Context(), entry("api", "a"), entry("api", "b")))
			enough := errors.New("enough")
			if err := f.Registry().Entries(t.Context(), "api", "", func(store.Entry) error { return enough }); !errors.Is(err, enough) {
				t.Errorf("got %v", err)
			}
		}},
		{"AcknowledgedEntriesSurviveAPowerCut", func(t *testing.T, f *fixture) {
			together(func(i int) {
				for n := range 10 {
					if err := f.Registry().PutEntries(t.Context(), entry("alarm", fmt.Sprint(i*10+n))); err != nil {
						t.Error(err)
					}
				}
			})
			must(t, f.Registry().DeleteEntries(t.Context(), "alarm", "7"))
			f.powerCut(t)
			count := 0
			must(t, f.Registry().Entries(t.Context(), "alarm", "", func(e store.Entry) error {
				count++
				if e.Key == "7" {
					t.Error("a removed entry is there again")
				}
				return nil
			}))
			if count != callers*10-1 {
				t.Errorf("%d entries, want %d", count, callers*10-1)
			}
		}},
	}
}
