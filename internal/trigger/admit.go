package trigger

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/gowhisk/gowhisk/internal/catalog"
	"github.com/gowhisk/gowhisk/internal/entitlement"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
)

// admitAction checks what a rule asks for as if the identity had invoked the
// action itself, in the same order: throttles, rights, existence. done gives
// the slot back that it takes. OpenWhisk 5.1.15, 6.3.1.
func (f *Firer) admitAction(
	ctx context.Context, id *entity.Identity, name entity.Name, args json.RawMessage,
) (found catalog.Resolved, done func(), err error) {
	if err := f.cfg.Entitlement.Rate(id, entitlement.Invoke); err != nil {
		return found, nil, err
	}
	if done, err = f.cfg.Entitlement.Acquire(id); err != nil {
		return found, nil, err
	}
	if found, err = f.invocable(ctx, id, name, args); err != nil {
		done()
		return found, nil, err
	}
	return found, done, nil
}

// invocable returns the action if the identity may run it with these
// arguments. OpenWhisk 2.6.10, 2.6.13, 2.6.16.
func (f *Firer) invocable(ctx context.Context, id *entity.Identity, name entity.Name, args json.RawMessage) (catalog.Resolved, error) {
	if err := f.mayActivate(ctx, id, name); err != nil {
		return catalog.Resolved{}, err
	}
	found, err := f.cfg.Catalog.Resolve(ctx, name)
	if err != nil {
		return found, err
	}
	kinds, err := f.cfg.Manifest(ctx)
	if err != nil {
		return found, fmt.Errorf("read the kinds: %w", err)
	}
	if err := kinds.CheckSupported(found.Action.Exec.Kind); err != nil {
		return found, err
	}
	for _, ref := range found.Action.Exec.Components {
		component, err := entity.ParseName(ref, name.Namespace)
		if err != nil {
			return found, err
		}
		if err := f.mayActivate(ctx, id, component); err != nil {
			return found, err
		}
	}
	return found, checkFinal(found.Action, args)
}

func (f *Firer) mayActivate(ctx context.Context, id *entity.Identity, action entity.Name) error {
	return f.cfg.Entitlement.Check(ctx, id, entitlement.Activate, entitlement.Resource{Collection: entity.Actions, Name: action})
}

// checkFinal refuses arguments that would replace parameters of an action
// whose parameters are final.
func checkFinal(a *entity.Action, args json.RawMessage) error {
	if !a.IsFinal() {
		return nil
	}
	var given map[string]json.RawMessage
	if err := json.Unmarshal(args, &given); err != nil {
		return fmt.Errorf("decode arguments: %w", err)
	}
	for key := range given {
		if value := string(a.Parameters.Get(key)); value != "" && value != "null" {
			return entity.ErrReservedParam.WithCode(fault.ProtectedParam)
		}
	}
	return nil
}
