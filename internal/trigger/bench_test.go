package trigger_test

import (
	"fmt"
	"testing"
)

// BenchmarkFire is a fire without the write that makes it durable.
func BenchmarkFire(b *testing.B) {
	for _, rules := range []int{1, 10, 100} {
		b.Run(fmt.Sprint(rules), func(b *testing.B) {
			w := open(b)
			w.put(action(guests("a")))
			id, unbounded := guest(), 1<<30
			id.Limits.ConcurrentInvocations, id.Limits.InvocationsPerMinute, id.Limits.FiresPerMinute = &unbounded, &unbounded, &unbounded
			for i := range rules {
				w.rule(fmt.Sprint("r", i), guests("a"))
			}
			b.ReportAllocs()
			for b.Loop() {
				w.fire(id, `{"name":"world","c":[1,2,3]}`)
			}
			if len(w.requests) != rules {
				b.Errorf("%d requests", len(w.requests))
			}
		})
	}
}
