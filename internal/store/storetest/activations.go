package storetest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// activationID returns the n-th id; ids are ordered as their numbers.
func activationID(n int) entity.ActivationID {
	return entity.ActivationID(fmt.Sprintf("%032x", n))
}

// finished is a record like those of an action.
func finished(n, ms int) *entity.Activation {
	return &entity.Activation{
		Namespace: "guest", Name: "hello", Local: "pkg/hello", Subject: "guest@example.com",
		Version: entity.Version{Minor: 3, Patch: 12}, ID: activationID(n), Cause: activationID(n + 1),
		Start: wellAfter(ms), End: wellAfter(ms + 7), Duration: 5 * time.Millisecond,
		Response: entity.Response{Result: json.RawMessage(`{"greeting": "Hällo\n",  "n":[1,2.50]}`), Size: 37},
		Logs:     []string{"2026-11-20T06:00:00.000Z stdout: one", "", "zwei ✓"},
		Annotations: entity.Parameters{
			{Key: "path", Value: json.RawMessage(`"guest/pkg/hello"`)},
			{Key: "limits", Value: json.RawMessage(`{"timeout":60000,"memory":256}`), Init: true, Encryption: "aes"},
		},
		Publish: true,
	}
}

func (f *fixture) store(t *testing.T, list ...*entity.Activation) {
	t.Helper()
	for _, a := range list {
		must(t, f.Activations().Put(t.Context(), a))
	}
}

func (f *fixture) wantActivation(t *testing.T, want *entity.Activation) {
	t.Helper()
	got, err := f.Activations().Get(t.Context(), want.Namespace, want.ID)
	must(t, err)
	if d := diff(got, want); d != "" {
		t.Errorf("Get(%s) (-want +got):\n%s", want.ID, d)
	}
}

func (f *fixture) wantNoActivation(t *testing.T, namespace string, id entity.ActivationID) {
	t.Helper()
	_, err := f.Activations().Get(t.Context(), namespace, id)
	wantError(t, "Get", err, entity.ErrNotFound)
}

func activationTests() []namedTest {
	return []namedTest{
		{"PutThenGetReturnsTheSameRecord", func(t *testing.T, f *fixture) {
			records := map[string]*entity.Activation{"full": finished(1, 1), "large result": finished(2, 2), "many logs": finished(3, 3)}
			records["large result"].Response.Result = json.RawMessage(`{"x":"` + strings.Repeat("y", 1<<20) + `"}`)
			for i := range 2000 {
				records["many logs"].Logs = append(records["many logs"].Logs, fmt.Sprint("line ", i))
			}
			records["trigger"] = &entity.Activation{
				Namespace: "guest", Name: "t", Local: "t", ID: activationID(4), Start: wellAfter(4),
				Response: entity.Response{Status: entity.WhiskError},
			}
			for _, a := range records {
				f.store(t, a)
				f.wantActivation(t, a)
			}
			f.reopen(t)
			for _, a := range records {
				f.wantActivation(t, a)
			}
		}},
		{"GetOfAnotherNamespaceOrIDIsNotFound", func(t *testing.T, f *fixture) {
			f.store(t, finished(1, 1))
			f.wantNoActivation(t, "guest", activationID(2))
			f.wantNoActivation(t, "other", activationID(1))
			f.wantNoActivation(t, "guest", "no id")
		}},
		{"ASecondRecordOfTheSameIDIsDropped", func(t *testing.T, f *fixture) {
			first, second := finished(1, 1), finished(1, 2)
			second.Response.Result = json.RawMessage(`{"second":true}`)
			f.store(t, first, second)
			f.reopen(t)
			f.store(t, second)
			f.wantActivation(t, first)
			wantIDs(t, f, store.ActivationQuery{Namespace: "guest"}, 1)
		}},
		{"OfTwoRecordsPutAtOnceOneIsKept", func(t *testing.T, f *fixture) {
			together(func(i int) {
				for n := range 20 {
					if err := f.Activations().Put(t.Context(), finished(n, i)); err != nil {
						t.Error(err)
					}
				}
			})
			n, err := f.Activations().Count(t.Context(), store.ActivationQuery{Namespace: "guest"})
			list, listErr := f.Activations().List(t.Context(), store.ActivationQuery{Namespace: "guest"})
			if err != nil || listErr != nil || n != 20 || len(list) != 20 {
				t.Errorf("%d counted (%v), %d listed (%v), want 20", n, err, len(list), listErr)
			}
		}},
		{"PutKeepsNothingOfItsArgument", func(t *testing.T, f *fixture) {
			a := finished(1, 1)
			f.store(t, a)
			copy(a.Response.Result, "XXXXXXX")
			f.wantActivation(t, finished(1, 1))
		}},
		{"PutRemovesTheQueuedItemInTheSameStep", func(t *testing.T, f *fixture) {
			must(t, f.Queue().Enqueue(t.Context(), activationID(1), []byte("body")))
			f.store(t, finished(1, 1))
			f.wantItems(t)
			f.reopen(t)
			f.wantItems(t)
			f.wantActivation(t, finished(1, 1))
		}},
		{"ADroppedRecordRemovesTheQueuedItemToo", func(t *testing.T, f *fixture) {
			f.store(t, finished(1, 1))
			must(t, f.Queue().Enqueue(t.Context(), activationID(1), []byte("body")))
			f.store(t, finished(1, 2))
			f.wantItems(t)
			f.wantActivation(t, finished(1, 1))
		}},
		{"TheRecordOfAQueuedActivationSurvivesAPowerCut", func(t *testing.T, f *fixture) {
			for n := range 10 {
				must(t, f.Queue().Enqueue(t.Context(), activationID(n), []byte("body")))
				f.store(t, finished(n, n))
			}
			f.powerCut(t)
			for n := range 10 {
				f.wantActivation(t, finished(n, n))
			}
			f.wantItems(t)
		}},
		{"AfterAPowerCutNoRecordIsHalf", func(t *testing.T, f *fixture) {
			for n := range 100 {
				f.store(t, finished(n, n))
			}
			f.powerCut(t)
			list, err := f.Activations().List(t.Context(), store.ActivationQuery{Namespace: "guest", Docs: true})
			must(t, err)
			for i, a := range list { // a prefix of what was written
				f.wantActivation(t, a)
				if d := diff(a, finished(len(list)-1-i, len(list)-1-i)); d != "" {
					t.Errorf("record %d (-want +got):\n%s", i, d)
				}
			}
		}},
	}
}

// wantIDs lists and compares the numbers of the ids.
func wantIDs(t *testing.T, f *fixture, q store.ActivationQuery, want ...int) {
	t.Helper()
	list, err := f.Activations().List(t.Context(), q)
	must(t, err)
	var got, ids []entity.ActivationID
	for _, a := range list {
		got = append(got, a.ID)
	}
	for _, n := range want {
		ids = append(ids, activationID(n))
	}
	if d := diff(got, ids); d != "" {
		t.Errorf("List(%+v) (-want +got):\n%s", q, d)
	}
	if q.Skip != 0 || q.Limit != 0 {
		return
	}
	if n, err := f.Activations().Count(t.Context(), q); err != nil || n != len(want) {
		t.Errorf("Count(%+v) = %d, %v, want %d", q, n, err, len(want))
	}
}
