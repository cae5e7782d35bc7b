package storetest

import (
	"context"
	"testing"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// calls is one call of every method, on a store where all of them succeed
// once setUp was called.
func calls(f *fixture) map[string]func(ctx context.Context) error {
	e, a, q, s := f.Entities(), f.Activations(), f.Queue(), f.Subjects()
	guest := store.ActivationQuery{Namespace: "guest"}
	actions := store.EntityQuery{Collection: entity.Actions, Namespace: "guest"}
	return map[string]func(ctx context.Context) error{
		"Entities.Get":           func(ctx context.Context) error { _, err := e.Get(ctx, name("there")); return err },
		"Entities.Put":           func(ctx context.Context) error { _, err := e.Put(ctx, action(name("new"), 1), nil); return err },
		"Entities.List":          func(ctx context.Context) error { _, err := e.List(ctx, actions); return err },
		"Entities.Count":         func(ctx context.Context) error { _, err := e.Count(ctx, actions); return err },
		"Entities.Namespaces":    func(ctx context.Context) error { _, err := e.Namespaces(ctx, entity.Actions); return err },
		"Activations.Put":        func(ctx context.Context) error { return a.Put(ctx, finished(9, 9)) },
		"Activations.Get":        func(ctx context.Context) error { _, err := a.Get(ctx, "guest", activationID(1)); return err },
		"Activations.List":       func(ctx context.Context) error { _, err := a.List(ctx, guest); return err },
		"Activations.Count":      func(ctx context.Context) error { _, err := a.Count(ctx, guest); return err },
		"Activations.Prune":      func(ctx context.Context) error { _, err := a.Prune(ctx, wellAfter(5), 0); return err },
		"Queue.Enqueue":          func(ctx context.Context) error { return q.Enqueue(ctx, activationID(3), nil) },
		"Queue.Start":            func(ctx context.Context) error { return q.Start(ctx, activationID(2)) },
		"Queue.Remove":           func(ctx context.Context) error { return q.Remove(ctx, activationID(2)) },
		"Queue.Items":            func(ctx context.Context) error { return q.Items(ctx, func(store.Item) error { return nil }) },
		"Subjects.Subject":       func(ctx context.Context) error { _, err := s.Subject(ctx, "annabel"); return err },
		"Subjects.PutSubject":    func(ctx context.Context) error { return s.PutSubject(ctx, subject("bobby", "two")) },
		"Subjects.SubjectsOf":    func(ctx context.Context) error { _, err := s.SubjectsOf(ctx, "one"); return err },
		"Subjects.PutLimits":     func(ctx context.Context) error { return s.PutLimits(ctx, "one", entity.NamespaceLimits{}) },
		"Subjects.DeleteSubject": func(ctx context.Context) error { return s.DeleteSubject(ctx, "annabel") },
	}
}

func setUp(t *testing.T, f *fixture) {
	t.Helper()
	f.put(t, action(name("there"), 1))
	f.store(t, finished(1, 1))
	f.enqueue(t, 2)
	must(t, f.Subjects().PutSubject(t.Context(), subject("annabel", "one")))
}

func commonTests() []namedTest {
	return []namedTest{
		{"ACanceledContextEndsEveryCall", func(t *testing.T, f *fixture) {
			setUp(t, f)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			for call, do := range calls(f) {
				wantError(t, call, do(ctx), context.Canceled)
			}
			f.wantItems(t, item(2, false))
		}},
		{"AfterCloseEveryCallFails", func(t *testing.T, f *fixture) {
			setUp(t, f)
			all := calls(f)
			f.close(t)
			for call, do := range all {
				if do(t.Context()) == nil {
					t.Errorf("%s succeeded after Close", call)
				}
			}
		}},
		{"CloseWaitsForCallsUnderWay", func(t *testing.T, f *fixture) {
			acked := make(chan int, callers*200)
			together(func(i int) {
				for n := range 200 {
					if i == 0 && n == 50 {
						if err := f.Ports.Close(); err != nil {
							t.Errorf("Close: %v", err)
						}
					}
					if f.Activations().Put(t.Context(), finished(i*200+n, n)) != nil {
						return
					}
					acked <- i*200 + n
				}
			})
			close(acked)
			f.reopen(t)
			for n := range acked {
				f.wantActivation(t, finished(n, n%200))
			}
		}},
	}
}
