package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// Prepare makes sure that the topic can be read and that its messages count
// from now on, whenever the consumer is started. A group that has offsets
// already keeps them. Its errors are for the user.
func (c *Consumer) Prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	client, err := c.Source.connect(ctx, c.Allow)
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	var known kadm.OffsetResponses
	err = insist(ctx, func() (err error) {
		known, err = admin.FetchOffsetsForTopics(ctx, c.Group, c.Source.Topic)
		return err
	})
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return fmt.Errorf("ask %v for the topic '%s': %w", c.Source.Brokers, c.Source.Topic, err)
	}
	ends, err := admin.ListEndOffsets(ctx, c.Source.Topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return fmt.Errorf("the topic '%s' cannot be read: %w", c.Source.Topic, err)
	}
	missing := kadm.Offsets{}
	ends.Each(func(end kadm.ListedOffset) {
		if old, ok := known.Lookup(end.Topic, end.Partition); !ok || old.At < 0 {
			missing.AddOffset(end.Topic, end.Partition, end.Offset, -1)
		}
	})
	if len(missing) == 0 {
		return nil
	}
	err = insist(ctx, func() error {
		committed, err := admin.CommitOffsets(ctx, c.Group, missing)
		if err == nil {
			err = committed.Error()
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("begin to listen to '%s': %w", c.Source.Topic, err)
	}
	return nil
}

// insist repeats what a cluster that has just started refuses. A topic that it
// does not know is not among that.
func insist(ctx context.Context, ask func() error) error {
	for {
		err := ask()
		if !kerr.IsRetriable(err) || errors.Is(err, kerr.UnknownTopicOrPartition) || !pause(ctx, firstPause) {
			return err
		}
	}
}

// Forget removes the group's offsets from the cluster.
func (c *Consumer) Forget(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	client, err := c.Source.connect(ctx, c.Allow)
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	if _, err := admin.LeaveGroup(ctx, kadm.LeaveGroup(c.Group).InstanceIDs(instance)); err != nil {
		return fmt.Errorf("leave the group %s: %w", c.Group, err)
	}
	if _, err := admin.DeleteGroup(ctx, c.Group); err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return fmt.Errorf("remove the group %s: %w", c.Group, err)
	}
	return nil
}
