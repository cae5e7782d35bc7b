package knative

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"

	"github.com/gowhisk/gowhisk/internal/cloudevent"
	"github.com/gowhisk/gowhisk/internal/entity"
)

// Carries reports whether there is something that takes the events of the trigger. What is missing is
// made.
func (c *Channels) Carries(trigger entity.Name) bool {
	if !c.installed.Load() {
		return false
	}
	s, _ := c.carriers.get(c.carrierName(trigger))
	if s == nil {
		c.queue.Add(trigger)
		return false
	}
	return isReady(s) && s.Status.Address.URL != ""
}

// Delivers reports whether the events of the trigger are delivered for the rule.
func (c *Channels) Delivers(trigger, rule entity.Name) bool {
	if !c.installed.Load() {
		return false
	}
	s, _ := c.rules.get(c.ruleName(trigger, rule))
	return s != nil && isReady(s)
}

func isReady(s *service) bool {
	return s.Metadata.Deleted == "" && s.Status.Observed == s.Metadata.Generation && s.condition("Ready").Status == "True"
}

// Send posts an event to what takes those of the trigger.
func (c *Channels) Send(ctx context.Context, trigger entity.Name, e cloudevent.Event) error {
	s, _ := c.carriers.get(c.carrierName(trigger))
	if s == nil {
		return fmt.Errorf("trigger %s has nothing any more that takes events", trigger)
	}
	header, body := e.Write(cloudevent.Binary)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Status.Address.URL, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("address of the %s %s: %w", c.form.carrier, s.Metadata.Name, err)
	}
	maps.Copy(req.Header, header)
	res, err := c.client.Do(req)
	if err != nil {
		return fmt.Errorf("post to the %s %s: %w", c.form.carrier, s.Metadata.Name, err)
	}
	defer res.Body.Close()
	said, err := io.ReadAll(io.LimitReader(res.Body, 1<<10))
	if err != nil {
		return fmt.Errorf("answer of the %s %s: %w", c.form.carrier, s.Metadata.Name, err)
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("post to the %s %s: status %d: %s", c.form.carrier, s.Metadata.Name, res.StatusCode, bytes.TrimSpace(said))
	}
	return nil
}
