package invoke

import (
	"context"
	"errors"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoker"
)

// updatesFollowed bounds how often an action may be updated while it is looked
// for.
const updatesFollowed = 10

// runAction hands the activation to the invoker. What an action that was updated
// since the activation was accepted had then may be gone: then what the name
// stands for now is run, as after a restart. OpenWhisk 2.8.12.
func (x *execution) runAction(msg *invoker.Message) (result invoker.Result, err error) {
	for range updatesFollowed {
		msg.Args, msg.Env = merge(x.req.Action.Parameters, x.req.Payload)
		result, err = x.service.Invoker.Invoke(x.service.life, msg)
		if !errors.Is(err, entity.ErrNotFound) || !x.renew(msg) {
			break
		}
	}
	return result, err
}

// renew turns the activation and its message to the action as it is now, with
// its code at hand. It reports false if there is none that runs in the same
// form.
func (x *execution) renew(msg *invoker.Message) bool {
	s, old := x.service, x.req.Action
	for range updatesFollowed {
		found, err := s.Catalog.Resolve(s.life, named(msg))
		if err != nil || formOf(found.Action) != formOf(old) {
			return false
		}
		code, err := s.Catalog.Code(s.life, found.Action)
		if errors.Is(err, entity.ErrNotFound) {
			continue
		}
		if err != nil {
			return false
		}
		x.mu.Lock()
		defer x.mu.Unlock()
		x.req.Action, x.req.Binding = found.Action, found.Binding
		*msg = *x.message()
		msg.Code = func(context.Context) (string, error) { return code, nil }
		return true
	}
	return false
}
