package catalog_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gowhisk/gowhisk/internal/catalog"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

func guests(n string) entity.Name { return entity.Name{Namespace: "guest", Name: n} }

func rule(name, trigger string) *entity.Rule {
	return &entity.Rule{
		Name: guests(name), Version: entity.FirstVersion, Trigger: guests(trigger),
		Action: guests("a1"), Annotations: entity.Parameters{}.Set("x", `1`),
	}
}

// openWithActions has the actions a1 and a2.
func openWithActions(t *testing.T) (*catalog.Catalog, *counting) {
	c, entities := open(t)
	for _, name := range []string{"a1", "a2"} {
		a := action()
		a.Name = guests(name)
		put(t, c, a)
	}
	return c, entities
}

func putTrigger(t *testing.T, c *catalog.Catalog, name string) *entity.Trigger {
	t.Helper()
	stored, err := c.PutTrigger(t.Context(), &entity.Trigger{Name: guests(name), Version: entity.FirstVersion})
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

func putRule(t *testing.T, c *catalog.Catalog, r *entity.Rule) (*entity.Rule, bool) {
	t.Helper()
	stored, active, err := c.PutRule(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return stored, active
}

// links is what the trigger says of its rules: names, "-" before inactive ones.
func links(t *testing.T, c *catalog.Catalog, trigger string) string {
	t.Helper()
	tr, err := c.Trigger(t.Context(), guests(trigger))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, l := range tr.Rules {
		name := l.Rule.Name
		if !l.Active {
			name = "-" + name
		}
		out = append(out, name)
	}
	return strings.Join(out, " ")
}

func TestNewRulesAreActiveAndLinkedInOrder(t *testing.T) {
	c, _ := openWithActions(t)
	before := putTrigger(t, c, "t")
	for _, name := range []string{"z", "a", "m"} {
		stored, active := putRule(t, c, rule(name, "t"))
		if !active || stored.Revision == 0 || stored.Updated.IsZero() {
			t.Errorf("stored %+v, active %v", stored, active)
		}
		got, err := c.Rule(t.Context(), guests(name))
		if diff := cmp.Diff(stored, got); diff != "" || err != nil {
			t.Errorf("%v %s", err, diff)
		}
	}
	if got := links(t, c, "t"); got != "z a m" {
		t.Errorf("links are %q", got)
	}
	after, err := c.Trigger(t.Context(), guests("t"))
	if err != nil || after.Version != before.Version || !after.Updated.Equal(before.Updated) || !after.Linked {
		t.Errorf("trigger is %+v, %v, was %+v", after, err, before)
	}
}

func TestUpdatedRuleKeepsItsStateAndItsPlace(t *testing.T) {
	c, _ := openWithActions(t)
	putTrigger(t, c, "t")
	putTrigger(t, c, "u")
	first, _ := putRule(t, c, rule("r", "t"))
	putRule(t, c, rule("s", "t"))
	next := *first
	next.Action = guests("a2")
	second, active := putRule(t, c, &next)
	if got := links(t, c, "t"); !active || got != "r s" {
		t.Errorf("active %v, links %q", active, got)
	}
	if tr, _ := c.Trigger(t.Context(), guests("t")); tr.Link(first.Name).Action != next.Action {
		t.Error("the link leads to the old action")
	}
	if err := c.SetRuleActive(t.Context(), first.Name, false); err != nil {
		t.Fatal(err)
	}
	moved := *second
	moved.Trigger = guests("u")
	if _, active := putRule(t, c, &moved); active {
		t.Error("the rule became active on its way to another trigger")
	}
	if got := links(t, c, "t") + "|" + links(t, c, "u"); got != "s|-r" {
		t.Errorf("links are %q", got)
	}
}

func TestRuleWithoutTriggerIsInactiveUntilItIsLinkedAgain(t *testing.T) {
	c, _ := openWithActions(t)
	putTrigger(t, c, "t")
	r, _ := putRule(t, c, rule("r", "t"))
	check := func(want bool) {
		t.Helper()
		if active, err := c.RuleIsActive(t.Context(), r); active != want || err != nil {
			t.Errorf("active %v, %v, want %v", active, err, want)
		}
	}
	check(true)
	if _, err := c.DeleteTrigger(t.Context(), r.Trigger); err != nil {
		t.Fatal(err)
	}
	check(false)
	if err := c.SetRuleActive(t.Context(), r.Name, false); err != nil {
		t.Errorf("to make an inactive rule inactive: %v", err)
	}
	err := c.SetRuleActive(t.Context(), r.Name, true)
	if entity.KindOf(err) != entity.NotFound || err.Error() != "Only rules with existing triggers can be activated" {
		t.Errorf("to make it active without a trigger: %v", err)
	}
	putTrigger(t, c, "t")
	check(false)
	if stored, active := putRule(t, c, r); active {
		t.Error("an update made it active")
	} else {
		r = stored
	}
	if got := links(t, c, "t"); got != "-r" {
		t.Errorf("links are %q", got)
	}
	if err := c.SetRuleActive(t.Context(), r.Name, true); err != nil {
		t.Error(err)
	}
	check(true)
}

func TestDeletedRuleTakesItsLinkAlong(t *testing.T) {
	c, _ := openWithActions(t)
	putTrigger(t, c, "t")
	r, _ := putRule(t, c, rule("r", "t"))
	if deleted, err := c.DeleteRule(t.Context(), r.Name); err != nil || deleted.Action != r.Action {
		t.Errorf("deleted %+v, %v", deleted, err)
	}
	if _, err := c.Rule(t.Context(), r.Name); !errors.Is(err, entity.ErrNotFound) {
		t.Errorf("read after deletion: %v", err)
	}
	tr, err := c.Trigger(t.Context(), guests("t"))
	if err != nil || len(tr.Rules) != 0 || !tr.Linked {
		t.Errorf("trigger is %+v, %v", tr, err)
	}
	if _, err := c.DeleteTrigger(t.Context(), guests("t")); err != nil {
		t.Fatal(err)
	}
	putTrigger(t, c, "u")
	orphan, _ := putRule(t, c, rule("o", "u"))
	if _, err := c.DeleteTrigger(t.Context(), guests("u")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteRule(t.Context(), orphan.Name); err != nil {
		t.Errorf("delete a rule without trigger: %v", err)
	}
}

func TestConflictingWritesOfRulesAreTold(t *testing.T) {
	c, entities := openWithActions(t)
	putTrigger(t, c, "t")
	first, _ := putRule(t, c, rule("r", "t"))
	if _, _, err := c.PutRule(t.Context(), rule("r", "t")); !errors.Is(err, entity.ErrExists) {
		t.Errorf("creation of what exists: %v", err)
	}
	putRule(t, c, first)
	if _, _, err := c.PutRule(t.Context(), first); !errors.Is(err, entity.ErrModified) {
		t.Errorf("update of an old revision: %v", err)
	}
	if _, _, err := c.PutRule(t.Context(), rule("t", "t")); !errors.Is(err, entity.ErrWrongType) {
		t.Errorf("rule with a trigger's name: %v", err)
	}
	for _, name := range []string{"none", "t"} {
		want := entity.ErrNotFound
		if name == "t" {
			want = entity.ErrWrongType
		}
		if _, err := c.DeleteRule(t.Context(), guests(name)); !errors.Is(err, want) {
			t.Errorf("delete %s: %v", name, err)
		}
		if err := c.SetRuleActive(t.Context(), guests(name), true); !errors.Is(err, want) {
			t.Errorf("activate %s: %v", name, err)
		}
	}
	if _, err := entities.Put(t.Context(), store.Document{Name: guests("bad"), Collection: entity.Triggers, Body: []byte("?")}, nil); err != nil {
		t.Fatal(err)
	}
	for trigger, want := range map[string]string{"none": "trigger /guest/none does not exist", "bad": "trigger /guest/bad is corrupted"} {
		_, _, err := c.PutRule(t.Context(), rule("x", trigger))
		if e, ok := errors.AsType[*entity.Error](err); !ok || e.Kind != entity.Malformed || e.Message != want {
			t.Errorf("rule to %s: %v", trigger, err)
		}
	}
	astray := rule("x", "t")
	astray.Action = entity.Name{Namespace: "guest", Package: "p", Name: "none"}
	_, _, err := c.PutRule(t.Context(), astray)
	if e, ok := errors.AsType[*entity.Error](err); !ok || e.Kind != entity.Malformed || e.Message != "action /guest/p/none does not exist" {
		t.Errorf("rule to an action that is not there: %v", err)
	}
}

// Rules that are created, switched and deleted at the same time all end up as
// their last write left them.
func TestManyRulesOfOneTriggerChangeAtOnce(t *testing.T) {
	c, _ := openWithActions(t)
	putTrigger(t, c, "t")
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			r := rule(fmt.Sprint("r", i), "t")
			if _, _, err := c.PutRule(t.Context(), r); err != nil {
				t.Error(err)
			}
			if err := c.SetRuleActive(t.Context(), r.Name, i%2 == 0); err != nil {
				t.Error(err)
			}
			if i%4 == 3 {
				if _, err := c.DeleteRule(t.Context(), r.Name); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	tr, err := c.Trigger(t.Context(), guests("t"))
	if err != nil || len(tr.Rules) != 12 {
		t.Fatalf("trigger is %+v, %v", tr, err)
	}
	for i := range 16 {
		l := tr.Link(guests(fmt.Sprint("r", i)))
		if (l == nil) != (i%4 == 3) || l != nil && l.Active != (i%2 == 0) {
			t.Errorf("link of r%d is %+v", i, l)
		}
	}
}
