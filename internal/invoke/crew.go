package invoke

import "sync"

// maxIdle is how many goroutines of a crew wait for their next task.
const maxIdle = 64

// crew is a WaitGroup that runs a task on a goroutine which has run others
// before, if it can: a new one begins with a small stack, and letting it grow
// costs a tenth of what the server does for a short activation.
type crew struct {
	sync.WaitGroup
	next chan func() // has no room: who takes from it waits for a task
	over chan struct{}

	mu   sync.Mutex
	idle int // guarded by mu: goroutines that wait for a task
}

func newCrew() *crew { return &crew{next: make(chan func()), over: make(chan struct{})} }

// Go runs task. Wait waits for its end.
func (c *crew) Go(task func()) {
	c.Add(1)
	select {
	case c.next <- task:
	default:
		go c.work(task)
	}
}

func (c *crew) work(task func()) {
	for task != nil {
		task()
		c.Done()
		task = c.another()
	}
}

// another waits for a task. It is nil if enough others wait, or the crew is
// dismissed.
func (c *crew) another() (task func()) {
	if !c.addIdle(1) {
		return nil
	}
	defer c.addIdle(-1)
	select {
	case task = <-c.next:
	case <-c.over:
	}
	return task
}

func (c *crew) addIdle(n int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.idle+n > maxIdle {
		return false
	}
	c.idle += n
	return true
}

// dismiss lets goroutines end that have no task. It is called once; tasks may
// still come.
func (c *crew) dismiss() { close(c.over) }
