package feed

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// Authenticator knows who holds which key; see auth.Authenticator.
type Authenticator interface {
	Identify(ctx context.Context, authorization string) (*entity.Identity, error)
}

// Triggers finds triggers; see catalog.Catalog.
type Triggers interface {
	Trigger(ctx context.Context, name entity.Name) (*entity.Trigger, error)
}

// Door lets to the providers whoever brings a key and a trigger of its
// namespace.
type Door struct {
	Auth     Authenticator
	Triggers Triggers
}

// Action is the code of a feed action: it reads the arguments, checks them
// and calls p with what is not of the lifecycle. fixed are parameters that the
// caller cannot change.
func (d *Door) Action(p Provider, fixed Params) func(ctx context.Context, args json.RawMessage) (json.RawMessage, error) {
	return func(ctx context.Context, args json.RawMessage) (json.RawMessage, error) {
		call, err := d.open(ctx, args)
		if err != nil {
			return result(nil, err)
		}
		maps.Copy(call.Params, fixed)
		return result(p.Feed(ctx, call))
	}
}

// open turns arguments into a call, or says why not.
func (d *Door) open(ctx context.Context, args json.RawMessage) (*Call, error) {
	var params Params
	if err := json.Unmarshal(args, &params); err != nil || params == nil {
		return nil, Refuse("the parameters of a feed are an object")
	}
	event := Event(params.Text("lifecycleEvent"))
	switch event {
	case Create, Read, Update, Delete, Pause, Unpause:
	default:
		return nil, Refuse("unsupported lifecycleEvent")
	}
	key, name := params.Text("authKey"), params.Text("triggerName")
	if key == "" {
		return nil, Refuse("no authKey parameter was provided")
	}
	if name == "" {
		return nil, Refuse("no trigger name parameter was provided")
	}
	for _, own := range []string{"lifecycleEvent", "authKey", "triggerName", "apihost"} {
		delete(params, own)
	}
	call := &Call{Event: event, Params: params}
	var err error
	if call.Owner, err = d.Auth.Identify(ctx, "Basic "+base64.StdEncoding.EncodeToString([]byte(key))); err != nil {
		return nil, closed(err)
	}
	if call.Trigger, err = triggerName(name, call.Owner.Namespace.Name); err != nil {
		return nil, err
	}
	_, err = d.Triggers.Trigger(ctx, call.Trigger)
	if event == Delete && entity.KindOf(err) == entity.NotFound {
		return call, nil
	}
	return call, closed(err)
}

// triggerName reads a name, which may do without a namespace. A trigger of
// another namespace is not the caller's, whether it exists or not.
func triggerName(text, namespace string) (entity.Name, error) {
	if !strings.HasPrefix(text, "/") {
		text = "/" + namespace + "/" + text
	}
	name, err := entity.ParseName(text, namespace)
	if err != nil || name.Package != "" {
		return name, Refuse("trigger name '%s' is not valid", text)
	}
	if name.Namespace != namespace {
		return name, &Refusal{Status: http.StatusForbidden, Text: unauthenticated}
	}
	return name, nil
}

// unauthenticated is said of every trigger that the key does not open.
const unauthenticated = "Trigger authentication request failed."

// closed turns the errors of a caller into refusals.
func closed(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*entity.Error](err); ok {
		switch e.Kind {
		case entity.Unauthorized, entity.Forbidden, entity.NotFound, entity.Conflict, entity.Malformed:
			return &Refusal{Status: e.Kind.Status(), Text: unauthenticated}
		}
	}
	return fmt.Errorf("check the trigger of a feed: %w", err)
}
