package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/gowhisk/gowhisk/internal/feed"
)

// listening is a registration with its consumer. It is changed by whoever has
// the trigger's turn.
type listening struct {
	registered
	stop func() // waits until nothing is fired any more; nil if nothing runs
}

// listen starts the consumer.
func (p *Provider) listen(l *listening) {
	ctx, cancel := context.WithCancel(p.life)
	done := make(chan struct{})
	consumer := p.consumer(l)
	p.launch(func() {
		defer cancel()
		err := consumer.Run(ctx)
		close(done)
		if err != nil {
			p.ended(l, err)
		}
	})
	l.stop = func() {
		cancel()
		select {
		case <-done:
		case <-p.life.Done(): // it may not have been launched any more
		}
	}
}

// end stops the consumer and waits for a fire that is under way.
func (l *listening) end() {
	if l.stop != nil {
		l.stop()
		l.stop = nil
	}
}

func (p *Provider) consumer(l *listening) *Consumer {
	r := l.registered
	return &Consumer{
		Source: r.Source, Group: r.Group, Allow: p.Allow, MaxSize: p.MaxSize,
		Log: p.Log.With("trigger", r.Trigger.String()),
		Fire: func(ctx context.Context, payload json.RawMessage) error {
			_, err := p.Gun.Fire(ctx, &r.Registration, payload, nil)
			return err
		},
		Permanent: func(err error) bool {
			v := feed.Judge(err)
			return v.Gone || v.Disable
		},
	}
}

// ended draws the consequence of a consumer that stopped by itself, unless the
// registration was changed meanwhile.
func (p *Provider) ended(l *listening, err error) {
	defer p.turns.Take(l.Trigger)()
	if p.find(l.Trigger) != l || p.life.Err() != nil {
		return
	}
	l.stop = nil
	verdict := feed.Judge(err)
	p.Log.Warn("Kafka feed ends", "trigger", l.Trigger.String(), "error", err)
	if verdict.Gone {
		_, err = p.remove(p.life, l)
	} else {
		l.Status = feed.Disabled(time.Now(), verdict.Code, verdict.Message())
		err = p.keep(p.life, &l.registered)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		p.Log.Error("end of a Kafka feed is not kept", "trigger", l.Trigger.String(), "error", err)
	}
}

// shown is the answer to READ; a password is not told.
func (l *listening) shown() any {
	source := l.Source
	source.Password = ""
	return struct {
		Config any `json:"config"`
		Status any `json:"status"`
	}{struct {
		Source
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	}{source, l.Trigger.Name, l.Trigger.Namespace}, l.Status.Shown()}
}
