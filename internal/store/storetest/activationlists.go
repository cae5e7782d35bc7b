package storetest

import (
	"testing"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// fillActivations stores records 1 to 7: 3 and 4 start together, 5 is of
// another action, 6 of another namespace, 7 of an action whose name begins
// like that of the others.
func fillActivations(t *testing.T, f *fixture) {
	t.Helper()
	other, foreign, longer := finished(5, 50), finished(6, 60), finished(7, 70)
	other.Local, foreign.Namespace, longer.Local = "other", "guest2", "pkg/hello2"
	f.store(t, finished(4, 30), finished(1, 10), other, finished(3, 30), foreign, finished(2, 20), longer)
}

func activationListTests() []namedTest {
	guest := store.ActivationQuery{Namespace: "guest"}
	hello := store.ActivationQuery{Namespace: "guest", Local: "pkg/hello"}
	with := func(q store.ActivationQuery, change func(*store.ActivationQuery)) store.ActivationQuery {
		change(&q)
		return q
	}
	return []namedTest{
		{"ListReturnsTheNewestFirstThenByID", func(t *testing.T, f *fixture) {
			fillActivations(t, f)
			wantIDs(t, f, guest, 7, 5, 3, 4, 2, 1)
			f.reopen(t)
			wantIDs(t, f, guest, 7, 5, 3, 4, 2, 1)
			wantIDs(t, f, store.ActivationQuery{Namespace: "nobody"})
		}},
		{"ListByLocalNameHasOnlyThatName", func(t *testing.T, f *fixture) {
			fillActivations(t, f)
			wantIDs(t, f, hello, 3, 4, 2, 1)
			wantIDs(t, f, with(hello, func(q *store.ActivationQuery) { q.Local = "other" }), 5)
			wantIDs(t, f, with(hello, func(q *store.ActivationQuery) { q.Local = "hello" }))
		}},
		{"SinceAndUptoAreInclusive", func(t *testing.T, f *fixture) {
			fillActivations(t, f)
			for _, q := range []store.ActivationQuery{guest, hello} {
				q.Since, q.Upto = wellAfter(20), wellAfter(30)
				wantIDs(t, f, q, 3, 4, 2)
				q.Since, q.Upto = wellAfter(21), wellAfter(29)
				wantIDs(t, f, q)
				q.Since, q.Upto = wellAfter(30), wellAfter(30)
				wantIDs(t, f, q, 3, 4)
			}
		}},
		{"AZeroBoundIsOpen", func(t *testing.T, f *fixture) {
			fillActivations(t, f)
			wantIDs(t, f, with(guest, func(q *store.ActivationQuery) { q.Since = wellAfter(30) }), 7, 5, 3, 4)
			wantIDs(t, f, with(guest, func(q *store.ActivationQuery) { q.Upto = wellAfter(20) }), 2, 1)
		}},
		{"ListSkipsAndStopsAtTheLimit", func(t *testing.T, f *fixture) {
			fillActivations(t, f)
			page := func(skip, limit int) store.ActivationQuery {
				return with(guest, func(q *store.ActivationQuery) { q.Skip, q.Limit = skip, limit })
			}
			wantIDs(t, f, page(0, 2), 7, 5)
			wantIDs(t, f, page(2, 2), 3, 4)
			wantIDs(t, f, page(5, 2), 1)
			wantIDs(t, f, page(6, 2))
			wantIDs(t, f, with(hello, func(q *store.ActivationQuery) { q.Skip, q.Limit = 1, 2 }), 4, 2)
		}},
		{"ListWithDocsHasResultAndLogs", func(t *testing.T, f *fixture) {
			small, large := finished(1, 1), finished(2, 2)
			for range 1000 {
				large.Logs = append(large.Logs, "a line that makes the logs large")
			}
			f.store(t, small, large)
			for _, q := range []store.ActivationQuery{guest, hello} {
				q.Docs = true
				got, err := f.Activations().List(t.Context(), q)
				must(t, err)
				if d := diff(got, []*entity.Activation{large, small}); d != "" {
					t.Errorf("List(%+v) (-want +got):\n%s", q, d)
				}
			}
		}},
		{"ListWithoutDocsHasEverythingElse", func(t *testing.T, f *fixture) {
			f.store(t, finished(1, 1))
			got, err := f.Activations().List(t.Context(), guest)
			must(t, err)
			want := finished(1, 1)
			want.Response.Result, want.Logs = nil, nil
			for _, a := range got {
				a.Response.Result, a.Logs = nil, nil
			}
			if d := diff(got, []*entity.Activation{want}); d != "" {
				t.Errorf("List (-want +got):\n%s", d)
			}
		}},
		{"PagesJoinToTheWholeList", func(t *testing.T, f *fixture) {
			together(func(caller int) {
				for n := range 50 {
					i := caller*50 + n
					if err := f.Activations().Put(t.Context(), finished(i, i)); err != nil {
						t.Error(err)
					}
				}
			})
			for _, q := range []store.ActivationQuery{guest, hello} {
				q.Limit = 30
				for q.Skip = 0; q.Skip < callers*50; q.Skip += q.Limit {
					var want []int
					for i := range min(q.Limit, callers*50-q.Skip) {
						want = append(want, callers*50-1-q.Skip-i)
					}
					wantIDs(t, f, q, want...)
				}
			}
		}},
	}
}
