package invoke_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoker"
)

// load is an invoker's script that loads the code before it runs the action.
func load(ctx context.Context, msg *invoker.Message) (invoker.Result, error) {
	code, err := msg.Code(ctx)
	if err != nil {
		return invoker.Result{}, fmt.Errorf("load code: %w", err)
	}
	if code != msg.Action.Exec.CodeID {
		return invoker.Result{}, fmt.Errorf("%s is the code of %s", code, msg.Action.Exec.CodeID)
	}
	return succeed(ctx, msg)
}

func TestActionThatIsUpdatedBeforeItsCodeIsLoadedRunsAsItIsNow(t *testing.T) {
	for _, blocking := range []bool{true, false} {
		w := open(t)
		newer := hello()
		newer.Version, newer.Exec.CodeID = entity.Version{Patch: 4}, "new"
		newer.Parameters = entity.Parameters{{Key: "greeting", Value: json.RawMessage(`"hi"`)}}
		w.actions.put(newer)
		w.invoker.does(load)
		id := w.invoke(w.request(blocking, time.Minute)).ID
		w.drain()
		a := w.record(id)
		if got := string(a.Response.Result); got != `{"greeting":"hi","name":"x"}` || a.Version != newer.Version {
			t.Errorf("version %s answered %s", a.Version, got)
		}
	}
}

func TestActionThatIsUpdatedOverAndOverRuns(t *testing.T) {
	w := open(t)
	w.invoker.does(func(ctx context.Context, msg *invoker.Message) (invoker.Result, error) {
		next := hello()
		next.Exec.CodeID = msg.Action.Exec.CodeID + "x"
		w.actions.put(next) // while a container was made
		return load(ctx, msg)
	})
	if a := w.invoke(w.request(true, time.Minute)).Activation; a.Response.Status != entity.Success {
		t.Errorf("got %+v", a.Response)
	}
}

func TestActionWithTheSameCodeIsRenewedToo(t *testing.T) {
	w := open(t)
	newer := hello()
	newer.Version = entity.Version{Patch: 4}
	newer.Parameters = entity.Parameters{{Key: "greeting", Value: json.RawMessage(`"hi"`)}}
	w.actions.put(newer)
	w.invoker.does(func(ctx context.Context, msg *invoker.Message) (invoker.Result, error) {
		if msg.Action.Version != newer.Version {
			return invoker.Result{}, fmt.Errorf("a past version: %w", entity.ErrNotFound)
		}
		return succeed(ctx, msg)
	})
	a := w.invoke(w.request(true, time.Minute)).Activation
	if got := string(a.Response.Result); got != `{"greeting":"hi","name":"x"}` || a.Version != newer.Version {
		t.Errorf("version %s answered %s", a.Version, got)
	}
}

func TestActionThatCannotBeRenewedIsRecordedAsGone(t *testing.T) {
	for name, now := range map[string]func(*shelf){
		"deleted": func(s *shelf) { s.remove(hello().Name) },
		"a sequence now": func(s *shelf) {
			a := hello()
			a.Exec = entity.Exec{Kind: entity.KindSequence, CodeID: "other"}
			s.put(a)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t)
			now(w.actions)
			w.invoker.does(load)
			a := w.invoke(w.request(true, time.Minute)).Activation
			answers(t, a, entity.ApplicationError, `{"error":"Action could not be found or may have been deleted."}`)
		})
	}
}
