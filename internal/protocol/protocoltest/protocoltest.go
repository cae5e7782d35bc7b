// Package protocoltest certifies a runtime: it speaks to a container as the platform does and says,
// clause by clause of the contract, what holds. It judges by what it sees over HTTP and in the two
// log streams, so it serves for any runtime, in any language, on either platform.
package protocoltest

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Platforms that a runtime can be certified for.
const (
	OpenWhisk = "openwhisk" // POST /init and POST /run: section 3 of the behaviour map
	Knative   = "knative"   // everything at "/": the single-entry contract
)

// Container is one runtime that listens and has no action yet.
type Container struct {
	// URL is http://HOST:PORT.
	URL string
	// Logs is what the container has written; nil where that cannot be seen.
	Logs *Logs
	// Stop ends the container. Nil if it is not ours to end.
	Stop func()
}

// Start is what a container is started with.
type Start struct {
	// Env is added to the container's environment, as KEY=VALUE.
	Env []string
	// Action is baked in, for a dedicated image; nil for a stem cell.
	Action *Baked
}

// Options say what is certified.
type Options struct {
	// Platform is OpenWhisk or Knative.
	Platform string
	// Samples are the actions in the runtime's language.
	Samples Samples
	// Launch starts a fresh container. ErrOnlyOne ends the certification in order: then the
	// clauses that need another one are not applicable.
	Launch func(ctx context.Context, s Start) (Container, error)
	// Patience bounds every answer; zero means 10 s. An init may take three times that.
	Patience time.Duration
}

// ErrOnlyOne is the answer of a Launch that has no further container.
var ErrOnlyOne = errors.New("needs a fresh container: use --launch")

// errNotSuch marks a Launch whose containers cannot be started in the way that is asked for.
var errNotSuch = errors.New("this container cannot be started so")

// Outcome is what became of a clause.
type Outcome string

// Outcomes. NotTried are the clauses after one at which the runtime went silent.
const (
	Pass          Outcome = "pass"
	Fail          Outcome = "fail"
	NotApplicable Outcome = "not applicable"
	NotTried      Outcome = "not tried"
)

// Result is the outcome of one clause.
type Result struct {
	ID      string  `json:"id"` // of the behaviour map, or of the single-entry contract (0-nn)
	Title   string  `json:"title"`
	Outcome Outcome `json:"outcome"`
	Seen    string  `json:"seen"` // the last answer, or why the clause does not hold or apply
}

// Failed counts the clauses that do not hold, those that were not tried included.
func Failed(results []Result) int {
	n := 0
	for _, r := range results {
		if r.Outcome == Fail || r.Outcome == NotTried {
			n++
		}
	}
	return n
}

// Certify tries every clause of the platform's contract, in order. An error means that nothing could
// be said; a runtime that is silent, wrong or dead is told in the results.
func Certify(ctx context.Context, opts Options) ([]Result, error) {
	if opts.Patience == 0 {
		opts.Patience = 10 * time.Second
	}
	var lives []life
	switch opts.Platform {
	case OpenWhisk:
		lives = openwhiskLives(opts.Samples)
	case Knative:
		lives = knativeLives(opts.Samples)
	default:
		return nil, fmt.Errorf("platform %q has no contract: use %s or %s", opts.Platform, OpenWhisk, Knative)
	}
	c := certification{opts: opts}
	for _, l := range lives {
		c.live(ctx, l)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return c.results, nil
}
