package auth_test

import (
	"errors"
	"testing"

	"github.com/gowhisk/gowhisk/internal/auth"
	"github.com/gowhisk/gowhisk/internal/entity"
)

func TestNamespaceActsAsItsSubject(t *testing.T) {
	s := directory()
	a := auth.New(s)
	for range 2 {
		id, err := a.OfNamespace(t.Context(), "team")
		if err != nil || id.Subject != "alice" || id.AuthKey() != uuidB+":"+keyB || *id.Limits.InvocationsPerMinute != 7 {
			t.Errorf("got %+v, %v", id, err)
		}
	}
	if s.reads != 1 {
		t.Errorf("%d readings, want 1", s.reads)
	}
	for _, name := range []string{"", "_", "nobody"} {
		if id, err := a.OfNamespace(t.Context(), name); !errors.Is(err, entity.ErrNotFound) {
			t.Errorf("%q: got %+v, %v", name, id, err)
		}
	}
}

func TestNamespaceOfBlockedSubjectIsNobodys(t *testing.T) {
	s := directory()
	a := auth.New(s)
	if _, err := a.OfNamespace(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	s.subject.Blocked = true
	a.Forget()
	if id, err := a.OfNamespace(t.Context(), "alice"); !errors.Is(err, entity.ErrNotFound) {
		t.Errorf("got %+v, %v", id, err)
	}
}

func TestNamespaceThatIsReadWhileForgottenIsNotRemembered(t *testing.T) {
	s := directory()
	a := auth.New(s)
	s.onRead = a.Forget
	for range 2 {
		if _, err := a.OfNamespace(t.Context(), "alice"); err != nil {
			t.Fatal(err)
		}
	}
	if s.reads != 2 {
		t.Errorf("%d readings, want 2", s.reads)
	}
	s.err = errors.New("broken")
	a.Forget()
	if _, err := a.OfNamespace(t.Context(), "alice"); !errors.Is(err, s.err) {
		t.Errorf("got %v", err)
	}
}
