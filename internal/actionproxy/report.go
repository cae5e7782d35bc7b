package actionproxy

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"
)

// Where the server of an action hears of what happened without it, and says whose credentials are.
// Requests to them are POST, with the gateway's key.
const (
	ReportPath   = "/cluster/activations"
	IdentityPath = "/cluster/identity"
)

// PodHeader has the name by which that server knows the key.
const PodHeader = "X-Whisk-Pod"

// HomeOptions say which server an action belongs to.
type HomeOptions struct {
	// URL is that of its API.
	URL string `json:"url"`
	// Name is that of those who have the key.
	Name string `json:"name"`
	// As is who speaks, in the words in which that server wants to hear it.
	As json.RawMessage `json:"as"`

	Key string       `json:"-"` // the gateway's
	Log *slog.Logger `json:"-"`
}

// Home is that server. It gets a record of every activation that it did not ask for itself.
type Home struct {
	opts  HomeOptions
	users users

	mu      sync.Mutex
	waiting []report // guarded by mu
	held    int      // bytes of waiting; guarded by mu
	lost    int      // that had to go since the last that arrived; guarded by mu

	wake    chan struct{} // has a token when there is something to send
	closing chan struct{}
	closed  sync.Once
	life    context.Context //nolint:containedctx // of the requests
	stop    context.CancelFunc
	done    chan struct{} // closed when nothing is sent any more
}

// report is an activation that the server has yet to hear of.
type report struct {
	id, transaction string
	accepted        time.Time
	outcome         outcome
}

// mostHeld bounds what waits for the server, in bytes: about as much as the container has to spare.
const mostHeld = 8 << 20

// ReadHome reads the file in which a server describes itself.
func ReadHome(file string) (HomeOptions, error) {
	var opts HomeOptions
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &opts)
	}
	if err == nil && !strings.HasPrefix(opts.URL, "http") {
		err = fmt.Errorf("%q is no URL", opts.URL)
	}
	if err != nil {
		return opts, fmt.Errorf("read whom to report to: %w", err)
	}
	return opts, nil
}

// NewHome begins to report. Close ends it.
func NewHome(opts HomeOptions) *Home {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	h := &Home{opts: opts, wake: make(chan struct{}, 1), closing: make(chan struct{}), done: make(chan struct{})}
	h.life, h.stop = context.WithCancel(context.Background())
	go h.work()
	return h
}

// report takes note of an activation and does not wait. If there is no room the oldest go.
func (h *Home) report(r report) {
	h.mu.Lock()
	h.waiting = append(h.waiting, r)
	h.held += r.size()
	for h.held > mostHeld && len(h.waiting) > 1 {
		h.held -= h.waiting[0].size()
		h.waiting[0] = report{}
		h.waiting = h.waiting[1:]
		h.lost++
	}
	h.mu.Unlock()
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// Close sends what waits, until ctx ends, and returns an error if something is left.
func (h *Home) Close(ctx context.Context) error {
	h.closed.Do(func() { close(h.closing) })
	select {
	case <-h.done:
	case <-ctx.Done():
	}
	h.stop()
	<-h.done
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := len(h.waiting) + h.lost; n > 0 {
		return fmt.Errorf("%d activations leave no record: their server does not answer", n)
	}
	return nil
}

// size is about what it takes in memory.
func (r report) size() int {
	n := 512 + len(r.outcome.answer.Body)
	for _, line := range r.outcome.logs.Lines {
		n += len(line) + 16
	}
	return n
}
