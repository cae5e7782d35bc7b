package e2e

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"
)

// arrivals are the times at which an action began.
type arrivals chan time.Time

func (a arrivals) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	a <- time.Now()
	w.WriteHeader(http.StatusOK)
}

// TestFiguresOfEvents prints how long after a fire its action runs, through a Channel and without.
func TestFiguresOfEvents(t *testing.T) {
	entry := entryOf(t, "imc-dispatcher")
	table := fmt.Sprintf("%-20s %12s %12s\n", "fire to action", "p50", "p99")
	for _, row := range []struct{ name, mode string }{{"through a Channel", "channel"}, {"without", "none"}} {
		t.Run(row.mode, func(t *testing.T) {
			o, _ := eventful(t, entry, "--knative-events", row.mode)
			host, _, err := net.SplitHostPort(o.registry)
			if err != nil {
				t.Fatal(err)
			}
			at := make(arrivals, 1000)
			o.do("action", "update", "told", "-p", "url", listen(t, host, at))
			if row.mode == "channel" {
				o.subscribed("t", "r")
			}
			took := make([]time.Duration, 120)
			for i := range took {
				began := time.Now()
				o.fire(map[string]any{"n": "x"})
				select {
				case end := <-at:
					took[i] = end.Sub(began)
				case <-time.After(time.Minute):
					t.Fatalf("%d does not run", i)
				}
			}
			if row.mode == "channel" {
				if taken, missed := o.deliveries(); taken != len(took) || missed != 0 {
					t.Errorf("%d deliveries were taken, %d missed", taken, missed)
				}
			}
			took = took[20:] // of a warm action
			slices.Sort(took)
			table += fmt.Sprintf("%-20s %9.2f ms %9.2f ms\n", row.name, milliseconds(took[len(took)/2]), milliseconds(took[len(took)*99/100]))
		})
	}
	record(t, "events", table)
}
