package kafka

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// instance is the one member of every group. With a name of its own it goes on
// at once after a crash: the cluster does not wait whether it comes back.
const instance = "gowhisk"

// Backoff of a fire that is refused for the moment.
const (
	firstPause = 100 * time.Millisecond
	longPause  = 30 * time.Second
)

// Consumer fires one trigger with the messages of one topic. Make it with
// Subscribe.
type Consumer struct {
	Source  Source
	Group   string // of this trigger alone
	Allow   Allow
	MaxSize int // of a payload, in bytes

	// Fire gives a payload to the trigger. An error for which Permanent
	// reports true ends the consumer; after any other it is called again.
	Fire      func(ctx context.Context, payload json.RawMessage) error
	Permanent func(error) bool

	Log *slog.Logger
}

// Run consumes until ctx ends, then returns nil; or until Fire fails for good,
// then it returns that error. A cluster that cannot be reached is tried again.
func (c *Consumer) Run(ctx context.Context) error {
	opts := append(c.Source.options(c.Allow),
		kgo.ConsumerGroup(c.Group), kgo.InstanceID(instance), kgo.ConsumeTopics(c.Source.Topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd()), kgo.DisableAutoCommit(),
		kgo.FetchMaxBytes(8<<20), kgo.BlockRebalanceOnPoll())
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return fmt.Errorf("connect to %v: %w", c.Source.Brokers, err)
	}
	defer client.CloseAllowingRebalance()
	for {
		fetches := client.PollRecords(ctx, maxBatch)
		if ctx.Err() != nil {
			return nil
		}
		fetches.EachError(func(topic string, partition int32, err error) {
			c.Log.Warn("messages cannot be read", "topic", topic, "partition", partition, "group", c.Group, "error", err)
		})
		err := c.Source.batches(fetches.Records(), c.MaxSize, func(payload json.RawMessage, of []*kgo.Record) error {
			if err := c.fire(ctx, payload); err != nil {
				return err
			}
			return c.commit(ctx, client, of)
		})
		client.AllowRebalance()
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && c.Permanent(err):
			return err
		case err != nil: // the offsets were not taken: what is fired again is marked by its offset
			c.Log.Warn("offsets are not committed", "topic", c.Source.Topic, "group", c.Group, "error", err)
		}
		if fetches.Err0() != nil && !pause(ctx, firstPause) {
			return nil
		}
	}
}

// fire repeats until the trigger takes the payload or refuses it for good.
func (c *Consumer) fire(ctx context.Context, payload json.RawMessage) error {
	for wait := firstPause; ; wait = min(2*wait, longPause) {
		err := c.Fire(ctx, payload)
		if err == nil || c.Permanent(err) {
			return err
		}
		c.Log.Warn("trigger does not take messages now", "group", c.Group, "again", wait.String(), "error", err)
		if !pause(ctx, wait/2+rand.N(wait)) { // spreads what comes back at once
			return ctx.Err()
		}
	}
}

func (c *Consumer) commit(ctx context.Context, client *kgo.Client, records []*kgo.Record) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTime)
	defer cancel()
	if err := client.CommitRecords(ctx, records...); err != nil {
		return fmt.Errorf("commit offsets: %w", err)
	}
	return nil
}

// pause reports whether it could wait so long.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
