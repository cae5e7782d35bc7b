package knative

import (
	"net/http"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// StemCell is what the action of a stem cell has to have: the kind, and as much memory, in MB.
type StemCell struct {
	Kind   string
	Memory int64
}

// cellState is how far a cell has come. It never goes back.
type cellState int

const (
	starting  cellState = iota
	idle                // is no action's, and answers
	taken               // is an action's
	condemned           // is to be deleted
	deleted             // the cluster has been told
)

// cell is a pod with a runtime that is no action's yet, or one action's for as long as its Service wakes.
// Its fields are guarded by the mu of the cells.
type cell struct {
	name    string // of the pod, and of the Secret with its key
	of      StemCell
	tag     string // of what it was made from
	address string // host and port; empty until it is ready
	state   cellState
	since   time.Time // this process knows of it
	checked bool      // somebody asks, or has asked, whether it is a stem cell
	service string    // that it stands in for, once it is taken
	noted   bool      // the cluster shows that
}

// cells are the pods that are kept. One goroutine, keep, writes to the cluster.
type cells struct {
	cluster
	backend *Backend
	client  *http.Client
	kick    chan struct{}   // has a token if keep has something to look at
	seen    <-chan struct{} // closed when all that there were are known

	mu      sync.Mutex
	want    map[StemCell]int  // guarded by mu
	known   map[string]*cell  // by name; guarded by mu
	stock   map[StemCell]*lot // guarded by mu
	orphans map[string]bool   // Secrets whose pod is gone; guarded by mu
	reached bool              // a cell could be; guarded by mu
	off     string            // why none are kept after all; guarded by mu
}

// makeBridges begins to watch pods, and to keep stem cells if there are images for them.
func (b *Backend) makeBridges() {
	b.readiness = newReadiness()
	b.cells = &cells{
		cluster: b.cluster, backend: b, client: newCellClient(), kick: make(chan struct{}, 1), want: map[StemCell]int{},
		known: map[string]*cell{}, stock: map[StemCell]*lot{}, orphans: map[string]bool{},
	}
	b.bridges = &bridges{cells: b.cells, open: map[string]*bridge{}, wake: func(at *bridge) {
		b.workers.Go(func() { b.wake(at) })
	}}
	b.watchPods(b.life)
	if b.opt.Runtime != nil {
		b.workers.Go(func() { b.cells.keep(b.life) })
	}
}

// KeepStemCells says how many stem cells of which kinds wait from now on, for actions whose Services are
// at zero.
func (b *Backend) KeepStemCells(want map[StemCell]int) {
	b.cells.mu.Lock()
	defer b.cells.mu.Unlock()
	b.cells.want = want
	b.cells.look()
}

// StemCells counts those that wait, and those that stand in for a Service.
func (b *Backend) StemCells() (waiting, standIns int) {
	b.cells.mu.Lock()
	defer b.cells.mu.Unlock()
	for _, one := range b.cells.known {
		switch one.state {
		case idle:
			waiting++
		case taken:
			standIns++
		}
	}
	return waiting, standIns
}

// look has keep look at what there is.
func (c *cells) look() {
	select {
	case c.kick <- struct{}{}:
	default: // it will anyway
	}
}

// refillDelay is how long after a cell was taken the next one is made: the activation that took it has
// probably had its answer by then, and starting another takes the processors from it.
const refillDelay = 100 * time.Millisecond

// take makes an idle cell that of a Service, nil if there is none. Two never get the same one.
func (c *cells) take(of StemCell, service string) *cell {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.known {
		if one.of == of && one.state == idle {
			one.state, one.service = taken, service
			time.AfterFunc(refillDelay, c.look)
			return one
		}
	}
	return nil
}

// condemn has a cell deleted; with what it ran nobody else is served.
func (c *cells) condemn(one *cell) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if one.state < condemned {
		one.state = condemned
		c.look()
	}
}

// gone reports whether a cell takes no more requests.
func (c *cells) gone(one *cell) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return one.state >= condemned
}

// waiting counts the idle ones, and tells how many of them are wanted.
func (c *cells) waiting(of StemCell) (now, want int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.known {
		if one.of == of && one.state == idle {
			now++
		}
	}
	if c.off != "" {
		return 0, 0
	}
	return now, c.want[of]
}

// see takes note of a pod of ours that is a cell.
func (c *cells) see(p *podSeen) {
	c.mu.Lock()
	defer c.mu.Unlock()
	one := c.known[p.Metadata.Name]
	if one == nil { // of a process before this one
		one = &cell{name: p.Metadata.Name, of: p.stemCell(), tag: p.Metadata.Labels[labelTag], since: time.Now()}
		if p.Metadata.Labels[labelCell] != stemName {
			one.state = condemned
		}
		c.known[one.name] = one
	}
	switch {
	case p.ends() && one.state < taken:
		if p.failed() {
			c.lot(one.of).failed()
		}
		one.state = condemned
	case p.ends() && one.state == taken && !p.failed():
		one.state = condemned // what runs in it may end; one that failed stays until it was asked why
	case one.state == starting && !one.checked && p.ready():
		one.checked, one.address = true, p.address()
		c.backend.workers.Go(func() { c.check(c.backend.life, one) })
		return
	}
	c.look()
}

// miss takes note that a pod is gone.
func (c *cells) miss(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if one := c.known[name]; one != nil {
		one.state = deleted
	}
	delete(c.known, name)
	c.orphans[name] = true
	c.look()
}

// lot is what is known of the cells of one kind. The caller holds mu.
func (c *cells) lot(of StemCell) *lot {
	if c.stock[of] == nil {
		c.stock[of] = &lot{}
	}
	return c.stock[of]
}

// readPod decodes what the cluster tells of a pod.
func readPod(u *unstructured.Unstructured) (*podSeen, error) {
	var p podSeen
	err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &p)
	return &p, err
}
