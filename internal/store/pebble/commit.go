package pebble

import (
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// maxGroup bounds the bytes that are written in one step: larger batches
// cost Pebble a memtable each.
const maxGroup = 1 << 20

// write is one batch on its way to the medium.
type write struct {
	batch *pebble.Batch
	hard  bool       // must survive the machine, not only the process
	done  chan error // takes the one outcome without blocking
}

// committer writes what is queued, everything that waits in one batch. While
// it writes, the next group gathers: the medium's own pace makes the groups,
// nobody is delayed for company.
type committer struct {
	db     *pebble.DB
	sync   *durability
	fail   func(error) // makes the store stop
	failed func() error

	wake   chan struct{} // has room for one
	exited chan struct{}
	stuck  bool // Pebble panicked and its locks stay taken; read after close

	mu    sync.Mutex
	queue []write // guarded by mu
}

func newCommitter(db *pebble.DB, d *durability, fail func(error), failed func() error) *committer {
	c := &committer{
		db: db, sync: d, fail: fail, failed: failed,
		wake: make(chan struct{}, 1), exited: make(chan struct{}),
	}
	go c.run()
	return c
}

// commit hands batch over and waits until it is on the medium. There is no
// context: a caller that left early would not know the outcome, and checks
// made before the write would no longer be guarded by it.
func (c *committer) commit(batch *pebble.Batch, hard bool) error {
	w := write{batch, hard, make(chan error, 1)}
	c.mu.Lock()
	c.queue = append(c.queue, w)
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default: // is awake already
	}
	return <-w.done
}

// close returns when nothing is under way. No commit may begin any more.
func (c *committer) close() {
	close(c.wake)
	<-c.exited
}

func (c *committer) run() {
	defer close(c.exited)
	var group []write
	for range c.wake {
		for {
			group = c.take(group[:0])
			if len(group) == 0 {
				break
			}
			err := c.write(group)
			for _, w := range group {
				w.done <- err
			}
		}
	}
}

// take moves queued writes to group until it is large enough.
func (c *committer) take(group []write) []write {
	c.mu.Lock()
	defer c.mu.Unlock()
	size := 0
	for i, w := range c.queue {
		size += w.batch.Len()
		if i > 0 && size > maxGroup {
			break
		}
		group = append(group, w)
	}
	left := copy(c.queue, c.queue[len(group):])
	clear(c.queue[left:])
	c.queue = c.queue[:left]
	return group
}

// write puts a group on the medium as one batch. After an error nothing is
// ever acknowledged again: what the medium holds is unknown.
func (c *committer) write(group []write) error {
	if err := c.failed(); err != nil {
		return err
	}
	all, hard := group[0].batch, group[0].hard
	if len(group) > 1 {
		all = c.db.NewBatch()
		for _, w := range group {
			hard = hard || w.hard
			if err := all.Apply(w.batch, nil); err != nil {
				return fmt.Errorf("join batches: %w", err)
			}
			w.batch.Close() // gives the memory back, has no error to report
		}
	}
	if err := c.apply(all, hard); err != nil {
		c.fail(err)
	}
	if err := c.failed(); err != nil {
		return err
	}
	return all.Close()
}

// apply commits one batch. Pebble panics where it cannot go on; its locks
// stay taken then.
func (c *committer) apply(batch *pebble.Batch, hard bool) (err error) {
	defer func() {
		if r := recover(); r != nil {
			c.stuck = true
			err = fmt.Errorf("commit: %v", r)
		}
	}()
	if hard {
		c.sync.hard.Add(1)
		defer c.sync.hard.Add(-1)
	}
	return c.db.Apply(batch, pebble.Sync)
}
