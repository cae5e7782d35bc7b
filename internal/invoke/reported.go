package invoke

import (
	"context"
	"fmt"

	"github.com/gowhisk/gowhisk/internal/invoker"
)

// Reported records an activation that ran without having been invoked here. It may be told again: the
// first record stays. An error means that there may be no record, and that it should be told again.
func (s *Service) Reported(ctx context.Context, msg *invoker.Message, r *invoker.Result) error {
	if err := s.Recorder.Ready(); err != nil {
		return err
	}
	a := record(msg, r, lineage{form: primitive})
	if err := s.Recorder.Record(ctx, msg.Identity, a, false); err != nil {
		return fmt.Errorf("record activation %s: %w", msg.ID, err)
	}
	if s.Observer != nil {
		s.Observer.ActivationEnded(a, r)
	}
	return nil
}
