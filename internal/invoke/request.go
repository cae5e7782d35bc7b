package invoke

import (
	"encoding/json"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/protocol"
)

// MaxWait is the longest that a blocking invocation waits for its result.
// OpenWhisk C.1.
const MaxWait = time.Minute

// Request asks for one activation of an action that the caller may invoke.
type Request struct {
	Identity    *entity.Identity
	Action      *entity.Action  // as the catalog resolved it: package parameters merged in
	Binding     entity.Name     // that the action was named through, zero if none
	Payload     json.RawMessage // an object or an array, nil for none; not retained after the activation
	Transaction string
	Trace       protocol.Trace
	Accepted    time.Time     // when the request arrived
	Blocking    bool          // wait for the record
	Wait        time.Duration // at most MaxWait; only if Blocking

	// Done gives the concurrency slot back. The Service calls it exactly once
	// when the activation has ended, also if Invoke errs.
	Done func()
}

// Outcome is what is known of an activation when Invoke returns. Activation
// is nil if the caller did not wait or the wait ended first; then the
// activation goes on and its record can be read later.
type Outcome struct {
	ID         entity.ActivationID
	Activation *entity.Activation
}
