package e2e

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestFiftyActionsBecomeServices prints how long the API and the cluster take for as many actions as a
// project of some size has.
func TestFiftyActionsBecomeServices(t *testing.T) {
	const many, atOnce = 50, 4
	registry := os.Getenv("REGISTRY")
	o := serveOn(t, "--knative-registry", registry+"/e2e-actions", "--knative-images", "nodejs:18="+registry+"/node:0",
		"--knative-stem-cells", "all=0", "--invocations-per-minute", "1000")
	began := time.Now()
	names := make(chan int, many)
	for n := range many {
		names <- n
	}
	close(names)
	var clients sync.WaitGroup
	for range atOnce {
		clients.Go(func() {
			for n := range names {
				action := map[string]any{
					"exec":   map[string]any{"kind": "nodejs:18", "code": fmt.Sprintf("function main() { return {number: %d} }", n)},
					"limits": map[string]any{"memory": 128},
				}
				var answer struct{ Error string }
				status, err := o.call(t.Context(), http.MethodPut, fmt.Sprintf("/actions/many-%d", n), action, &answer)
				if err != nil || status != http.StatusOK {
					t.Errorf("create many-%d: %d %s %v", n, status, answer.Error, err)
				}
			}
		})
	}
	clients.Wait()
	created := time.Since(began)
	o.untilMinutes("not all actions become ready", 6, func() bool { return o.readyServices() == many })
	ready := time.Since(began)
	if a := o.invoke("many-49", map[string]any{}); string(a.Response.Result) != `{"number":49}` {
		t.Errorf("many-49 answers %s", a.Response.Result)
	}
	record(t, "many", fmt.Sprintf("%-40s %8.2f s\n%-40s %8.2f s\n",
		fmt.Sprintf("create %d actions, API", many), created.Seconds(), "until all are ready Services", ready.Seconds()))
}

// readyServices is how many Services of the namespace are ready.
func (o *onCluster) readyServices() (n int) {
	o.t.Helper()
	out := o.mustKubectl(o.t, "", "get", "ksvc", "-o", `jsonpath={range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}`)
	for _, status := range strings.Fields(out) {
		if status == "True" {
			n++
		}
	}
	return n
}
