package invoke_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gowhisk/gowhisk/internal/invoke"
)

func TestCrewRunsEveryTaskAtOnce(t *testing.T) {
	c := invoke.NewCrew()
	var ran atomic.Int64
	for round := range 3 {
		const tasks = 200 // more than stay for another one
		var together sync.WaitGroup
		together.Add(tasks)
		for range tasks {
			c.Go(func() {
				together.Done()
				together.Wait() // nobody waits for another task's goroutine
				ran.Add(1)
			})
		}
		c.Wait()
		if got := ran.Load(); got != int64(tasks*(round+1)) {
			t.Fatalf("round %d: %d tasks ran", round, got)
		}
		if round == 1 {
			c.Dismiss()
		}
	}
}
