package alarms

import (
	"container/heap"
	"time"
)

// idle is the position of an alarm that is not in the queue.
const idle = -1

// queue orders alarms by the time at which the scheduler looks at them.
type queue struct{ alarms byTime }

// add puts an alarm in, or moves one that is there, to its time.
func (q *queue) add(a *alarm) {
	if a.position == idle {
		heap.Push(&q.alarms, a)
		return
	}
	heap.Fix(&q.alarms, a.position)
}

// drop takes an alarm out, if it is there.
func (q *queue) drop(a *alarm) {
	if a.position != idle {
		heap.Remove(&q.alarms, a.position)
	}
}

// first returns the alarm that is next, nil if there is none.
func (q *queue) first() *alarm {
	if len(q.alarms) == 0 {
		return nil
	}
	return q.alarms[0]
}

// due takes out an alarm whose time has come, nil if there is none.
func (q *queue) due(now time.Time) *alarm {
	a := q.first()
	if a == nil || a.at.After(now) {
		return nil
	}
	q.drop(a)
	return a
}

// byTime is a heap.
type byTime []*alarm

func (b byTime) Len() int           { return len(b) }
func (b byTime) Less(i, j int) bool { return b[i].at.Before(b[j].at) }

func (b byTime) Swap(i, j int) {
	b[i], b[j] = b[j], b[i]
	b[i].position, b[j].position = i, j
}

// Push adds an *alarm at the end.
func (b *byTime) Push(x any) {
	a, _ := x.(*alarm) // the heap knows no other
	a.position = len(*b)
	*b = append(*b, a)
}

// Pop takes the last *alarm.
func (b *byTime) Pop() any {
	last := len(*b) - 1
	a := (*b)[last]
	(*b)[last] = nil
	*b = (*b)[:last]
	a.position = idle
	return a
}
