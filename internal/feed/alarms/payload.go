package alarms

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// payloadKind is that of the payloads that have an entry of their own.
const payloadKind = "alarm-payload"

// inline is the size up to which a payload is kept with its alarm, in memory
// and in every write of its state.
const inline = 4 << 10

// outsource moves a payload that is large out of a and returns its entry.
func (a *alarm) outsource() []store.Entry {
	if len(a.Payload) <= inline {
		return nil
	}
	entry := store.Entry{Kind: payloadKind, Key: a.Trigger.String(), Body: a.Payload}
	a.Large, a.Payload = true, nil
	return []store.Entry{entry}
}

// payload is what the trigger of an alarm is fired with, nil for nothing.
func (p *Provider) payload(ctx context.Context, a *alarm) (json.RawMessage, error) {
	if !a.Large {
		return a.Payload, nil
	}
	body, err := p.cfg.Registry.Entry(ctx, payloadKind, a.Trigger.String())
	if err != nil {
		return nil, fmt.Errorf("read payload of the alarm of %s: %w", a.Trigger, err)
	}
	return body, nil
}

// deleteEntries removes what is kept of alarms.
func (p *Provider) deleteEntries(ctx context.Context, triggers ...entity.Name) error {
	keys := make([]string, 0, len(triggers))
	for _, trigger := range triggers {
		keys = append(keys, trigger.String())
	}
	if err := p.cfg.Registry.DeleteEntries(ctx, kind, keys...); err != nil {
		return err
	}
	return p.cfg.Registry.DeleteEntries(ctx, payloadKind, keys...)
}
