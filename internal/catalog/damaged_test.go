package catalog_test

import (
	"errors"
	"testing"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// damage makes the body of what is stored under that name unreadable.
func damage(t *testing.T, entities *counting, name entity.Name) {
	t.Helper()
	doc, err := entities.Get(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	doc.Body = []byte("?")
	if _, err := entities.Put(t.Context(), doc, nil); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedRuleIsDeletedWithItsLinks(t *testing.T) {
	c, entities := openWithActions(t)
	putTrigger(t, c, "t")
	putTrigger(t, c, "other")
	putRule(t, c, rule("r", "t"))
	putRule(t, c, rule("stays", "t"))
	damage(t, entities, guests("r"))
	if _, err := c.Rule(t.Context(), guests("r")); err != nil && !errors.Is(err, entity.ErrCorrupted) {
		t.Fatal(err)
	}
	if r, err := c.DeleteRule(t.Context(), guests("r")); err != nil || r.Name != guests("r") {
		t.Fatalf("deleted %v, %v", r, err)
	}
	if got := links(t, c, "t"); got != "stays" {
		t.Errorf("the trigger is linked to %s", got)
	}
	if list, err := c.ListRules(t.Context(), store.EntityQuery{Namespace: "guest"}); len(list) != 1 || err != nil {
		t.Errorf("rules are %v, %v", list, err)
	}
}

func TestDamagedRuleIsReplacedWithItsLinks(t *testing.T) {
	for _, trigger := range []string{"t", "other"} {
		c, entities := openWithActions(t)
		putTrigger(t, c, "t")
		putTrigger(t, c, "other")
		putRule(t, c, rule("r", "t"))
		damage(t, entities, guests("r"))
		if _, _, err := c.PutRule(t.Context(), rule("r", "none")); entity.KindOf(err) != entity.Malformed || links(t, c, "t") != "r" {
			t.Errorf("a rule without trigger: %v, links to %q", err, links(t, c, "t"))
		}
		if r, active, err := c.PutRule(t.Context(), rule("r", trigger)); err != nil || !active || r.Trigger != guests(trigger) {
			t.Fatalf("put %v, %t, %v", r, active, err)
		}
		if got := links(t, c, "t") + links(t, c, "other"); got != "r" || links(t, c, trigger) != "r" {
			t.Errorf("links are %q and %q", links(t, c, "t"), links(t, c, "other"))
		}
		if r, err := c.Rule(t.Context(), guests("r")); err != nil || r.Trigger != guests(trigger) {
			t.Errorf("got %v, %v", r, err)
		}
	}
}

func TestDamagedTriggerIsListedAndReplaced(t *testing.T) {
	c, entities := open(t)
	putTrigger(t, c, "t")
	damage(t, entities, guests("t"))
	list, err := c.ListTriggers(t.Context(), store.EntityQuery{Namespace: "guest"})
	if err != nil || len(list) != 1 || list[0].Name != guests("t") {
		t.Errorf("triggers are %v, %v", list, err)
	}
	putTrigger(t, c, "t")
	if got, err := c.Trigger(t.Context(), guests("t")); err != nil || got.Version != entity.FirstVersion {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestCreationOverWhatCanBeReadIsStillRefused(t *testing.T) {
	c, _ := open(t)
	put(t, c, action())
	if _, err := c.PutAction(t.Context(), action()); !errors.Is(err, entity.ErrExists) {
		t.Errorf("got %v", err)
	}
}
