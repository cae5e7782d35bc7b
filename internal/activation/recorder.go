package activation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// Options of a Recorder. Zero values mean what is said beside them.
type Options struct {
	MaxAge   time.Duration // of a record; 0 keeps records for ever
	MaxBytes int64         // of all records; 0 has no bound
	Logger   *slog.Logger  // nil discards
}

const (
	pruneEvery  = time.Minute
	retryEvery  = time.Second
	maxUnstored = 64 * entity.MB // of records held while the store refuses writes
)

// Recorder stores records. Run it to prune and to retry.
type Recorder struct {
	records store.Activations
	queue   store.Queue
	opt     Options

	mu       sync.Mutex
	unstored []*entity.Activation // guarded by mu
	held     int64                // guarded by mu: bytes of unstored and of those that are tried again
	refusal  error                // guarded by mu: why the store refuses writes
}

// NewRecorder returns a recorder over the two ports, which are of one store.
func NewRecorder(records store.Activations, queue store.Queue, opt Options) *Recorder {
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	return &Recorder{records: records, queue: queue, opt: opt}
}

// Ready reports why no new activation can be recorded now, nil if it can.
func (r *Recorder) Ready() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.refusal
}

// Record stores a and ends its place in the queue. When it returns nil the
// record survives the death of the process. While the store refuses writes
// the record is kept and tried again: then Record returns the refusal, and
// nothing is lost unless the process dies. An error that does not wrap the
// refusal means that there was no room to keep it.
func (r *Recorder) Record(ctx context.Context, id *entity.Identity, a *entity.Activation, queued bool) error {
	if !id.StoresActivations() {
		if !queued {
			return nil
		}
		return r.queue.Remove(ctx, a.ID)
	}
	err := r.records.Put(ctx, a)
	if err == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refusal = err
	if r.held+size(a) > maxUnstored {
		//nolint:errorlint // a record that is lost is another failure than the refusal
		return fmt.Errorf("record of activation %s is lost, %d MB of others wait for the store: %v", a.ID, r.held/entity.MB, err)
	}
	r.unstored = append(r.unstored, a)
	r.held += size(a)
	return fmt.Errorf("record of activation %s waits for the store: %w", a.ID, err)
}

// Run prunes old records and retries refused ones until ctx ends; then it
// tries the refused ones a last time.
func (r *Recorder) Run(ctx context.Context) {
	prune, retry := time.NewTicker(pruneEvery), time.NewTicker(retryEvery)
	defer prune.Stop()
	defer retry.Stop()
	r.prune(ctx)
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), retryEvery)
			defer cancel()
			r.retry(last)
			return
		case <-retry.C:
			r.retry(ctx)
		case <-prune.C:
			r.prune(ctx)
		}
	}
}

func (r *Recorder) retry(ctx context.Context) {
	r.mu.Lock()
	list := r.unstored
	r.unstored = nil
	r.mu.Unlock()
	if len(list) == 0 {
		return
	}
	var refusal error
	var done int64
	for i, a := range list {
		if refusal = r.records.Put(ctx, a); refusal != nil && entity.KindOf(refusal) != entity.TooLarge && entity.KindOf(refusal) != entity.Malformed {
			list = list[i:]
			break
		}
		if refusal != nil { // it will never be taken, and must not hold up the others
			r.opt.Logger.Error("record of an activation is lost", "activation", a.ID, "error", refusal)
			refusal = nil
		}
		done += size(a)
		list[i] = nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held -= done
	if refusal != nil {
		r.refusal = refusal
		r.unstored = append(list, r.unstored...)
		return
	}
	if len(r.unstored) > 0 {
		return // refused meanwhile
	}
	r.refusal = nil
	r.opt.Logger.Info("the store takes records again")
}

// size is about what a takes in memory.
func size(a *entity.Activation) int64 {
	n := 1024 + len(a.Response.Result)
	for _, line := range a.Logs {
		n += len(line)
	}
	return int64(n)
}

func (r *Recorder) prune(ctx context.Context) {
	if r.opt.MaxAge == 0 && r.opt.MaxBytes == 0 {
		return
	}
	var before time.Time
	if r.opt.MaxAge > 0 {
		before = time.Now().Add(-r.opt.MaxAge)
	}
	n, err := r.records.Prune(ctx, before, r.opt.MaxBytes)
	if err != nil && !errors.Is(err, context.Canceled) {
		r.opt.Logger.Error("old activations could not be removed", "error", err)
	}
	if n > 0 {
		r.opt.Logger.Info("removed old activations", "count", n)
	}
}
