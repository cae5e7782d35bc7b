package storetest

import (
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/entity"
)

func subject(name string, namespaces ...string) entity.Subject {
	s := entity.Subject{Name: name}
	for _, n := range namespaces {
		s.Namespaces = append(s.Namespaces, entity.Namespace{
			Name: n, UUID: "uuid-of-" + name + "-in-" + n, Key: strings.Repeat("k", 64),
		})
	}
	return s
}

func (f *fixture) wantSubject(t *testing.T, want entity.Subject) {
	t.Helper()
	got, err := f.Subjects().Subject(t.Context(), want.Name)
	must(t, err)
	if d := diff(got, want); d != "" {
		t.Errorf("Subject(%s) (-want +got):\n%s", want.Name, d)
	}
	for _, n := range want.Namespaces {
		got, err := f.Subjects().SubjectOfKey(t.Context(), n.UUID)
		must(t, err)
		if d := diff(got, want); d != "" {
			t.Errorf("SubjectOfKey(%s) (-want +got):\n%s", n.UUID, d)
		}
	}
}

func (f *fixture) wantSubjectsOf(t *testing.T, namespace string, want ...entity.Subject) {
	t.Helper()
	got, err := f.Subjects().SubjectsOf(t.Context(), namespace)
	must(t, err)
	if d := diff(got, want); d != "" {
		t.Errorf("SubjectsOf(%s) (-want +got):\n%s", namespace, d)
	}
}

func subjectTests() []namedTest {
	return append([]namedTest{
		{"ASubjectIsFoundByNameKeyAndNamespace", func(t *testing.T, f *fixture) {
			anna, bob := subject("annabel", "one", "two"), subject("bobby", "two")
			bob.Blocked = true
			must(t, f.Subjects().PutSubject(t.Context(), bob))
			must(t, f.Subjects().PutSubject(t.Context(), anna))
			for range 2 {
				f.wantSubject(t, anna)
				f.wantSubject(t, bob)
				f.wantSubjectsOf(t, "one", anna)
				f.wantSubjectsOf(t, "two", anna, bob)
				f.wantSubjectsOf(t, "three")
				f.reopen(t)
			}
		}},
		{"WhatIsMissingIsNotFound", func(t *testing.T, f *fixture) {
			_, err := f.Subjects().Subject(t.Context(), "nobody")
			wantError(t, "Subject", err, entity.ErrNotFound)
			_, err = f.Subjects().SubjectOfKey(t.Context(), "nothing")
			wantError(t, "SubjectOfKey", err, entity.ErrNotFound)
			_, err = f.Subjects().Limits(t.Context(), "nowhere")
			wantError(t, "Limits", err, entity.ErrNotFound)
			wantError(t, "DeleteSubject", f.Subjects().DeleteSubject(t.Context(), "nobody"), entity.ErrNotFound)
		}},
		{"PutReplacesASubjectAndItsKeys", func(t *testing.T, f *fixture) {
			old, next := subject("annabel", "one", "two"), subject("annabel", "two", "three")
			must(t, f.Subjects().PutSubject(t.Context(), old))
			must(t, f.Subjects().PutSubject(t.Context(), next))
			f.wantSubject(t, next)
			f.wantSubjectsOf(t, "one")
			_, err := f.Subjects().SubjectOfKey(t.Context(), old.Namespaces[0].UUID)
			wantError(t, "SubjectOfKey", err, entity.ErrNotFound)
		}},
		{"AUUIDOfAnotherSubjectIsErrExists", func(t *testing.T, f *fixture) {
			anna, thief := subject("annabel", "one"), subject("thief", "two", "three")
			thief.Namespaces[1].UUID = anna.Namespaces[0].UUID
			must(t, f.Subjects().PutSubject(t.Context(), anna))
			wantError(t, "PutSubject", f.Subjects().PutSubject(t.Context(), thief), entity.ErrExists)
			f.wantSubject(t, anna)
			_, err := f.Subjects().Subject(t.Context(), "thief")
			wantError(t, "Subject", err, entity.ErrNotFound)
			_, err = f.Subjects().SubjectOfKey(t.Context(), thief.Namespaces[0].UUID)
			wantError(t, "SubjectOfKey", err, entity.ErrNotFound)
		}},
		{"DeleteRemovesASubjectWithItsKeys", func(t *testing.T, f *fixture) {
			anna, bob := subject("annabel", "one"), subject("bobby", "one")
			must(t, f.Subjects().PutSubject(t.Context(), anna))
			must(t, f.Subjects().PutSubject(t.Context(), bob))
			must(t, f.Subjects().DeleteSubject(t.Context(), "annabel"))
			f.reopen(t)
			_, err := f.Subjects().Subject(t.Context(), "annabel")
			wantError(t, "Subject", err, entity.ErrNotFound)
			_, err = f.Subjects().SubjectOfKey(t.Context(), anna.Namespaces[0].UUID)
			wantError(t, "SubjectOfKey", err, entity.ErrNotFound)
			f.wantSubjectsOf(t, "one", bob)
			bob.Namespaces = append(bob.Namespaces, anna.Namespaces[0])
			bob.Namespaces[1].Name = "two"
			must(t, f.Subjects().PutSubject(t.Context(), bob))
		}},
		{"OneOfManyOwnersOfAUUIDWins", func(t *testing.T, f *fixture) {
			together(func(i int) {
				s := subject("subject-"+string(rune('a'+i)), "shared")
				s.Namespaces[0].UUID = "the same"
				if err := f.Subjects().PutSubject(t.Context(), s); err != nil {
					wantError(t, "PutSubject", err, entity.ErrExists)
				}
			})
			owner, err := f.Subjects().SubjectOfKey(t.Context(), "the same")
			must(t, err)
			f.wantSubjectsOf(t, "shared", owner)
		}},
		{"SubjectsSurviveAPowerCut", func(t *testing.T, f *fixture) {
			must(t, f.Subjects().PutSubject(t.Context(), subject("annabel", "one")))
			must(t, f.Subjects().PutSubject(t.Context(), subject("bobby", "one")))
			must(t, f.Subjects().DeleteSubject(t.Context(), "bobby"))
			must(t, f.Subjects().PutLimits(t.Context(), "one", entity.NamespaceLimits{AllowedKinds: []string{"go:1.26"}}))
			f.powerCut(t)
			f.wantSubjectsOf(t, "one", subject("annabel", "one"))
			if _, err := f.Subjects().Limits(t.Context(), "one"); err != nil {
				t.Errorf("Limits: %v", err)
			}
		}},
	}, limitTests()...)
}

func limitTests() []namedTest {
	return []namedTest{
		{"PutLimitsReplacesAllLimits", func(t *testing.T, f *fixture) {
			zero, many, no := 0, int64(1<<40), false
			first := entity.NamespaceLimits{InvocationsPerMinute: &zero, StoreActivations: &no}
			second := entity.NamespaceLimits{MaxPayloadSize: &many, AllowedKinds: []string{"nodejs:20", "go:1.26"}}
			for _, want := range []entity.NamespaceLimits{first, second} {
				must(t, f.Subjects().PutLimits(t.Context(), "one", want))
				f.reopen(t)
				got, err := f.Subjects().Limits(t.Context(), "one")
				must(t, err)
				if d := diff(got, want); d != "" {
					t.Errorf("Limits (-want +got):\n%s", d)
				}
			}
			_, err := f.Subjects().Limits(t.Context(), "on")
			wantError(t, "Limits", err, entity.ErrNotFound)
		}},
		{"DeleteLimitsRemovesThem", func(t *testing.T, f *fixture) {
			must(t, f.Subjects().PutLimits(t.Context(), "one", entity.NamespaceLimits{}))
			must(t, f.Subjects().DeleteLimits(t.Context(), "one"))
			_, err := f.Subjects().Limits(t.Context(), "one")
			wantError(t, "Limits", err, entity.ErrNotFound)
		}},
	}
}
