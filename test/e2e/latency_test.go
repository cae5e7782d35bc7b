package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestWarmInvocationsThroughTheAPI prints what a blocking invocation through the API costs
// beside a request straight to a Service of a few lines of Go.
func TestWarmInvocationsThroughTheAPI(t *testing.T) {
	registry := os.Getenv("REGISTRY")
	o := serveOn(t, "--knative-registry", registry+"/e2e-actions", "--knative-images", "nodejs:18="+registry+"/node:0", "--concurrent-invocations", "1000")
	o.do("action", "create", "hello", o.file("a.js", "function main(args) { return {greeting: 'Hello ' + args.name} }"), "--kind", "nodejs:18", "-a", "autoscaling.knative.dev/min-scale", "1")
	host, err := o.serve(t.Context(), "bare", strings.Replace(bare(o.cluster), "spec: {template: {spec:", `spec: {template: {metadata: {annotations: {autoscaling.knative.dev/min-scale: "1"}}, spec:`, 1))
	if err != nil {
		t.Fatal(err)
	}
	ask := map[string]func() error{
		"bare": func() error {
			status, text, err := o.ask(t.Context(), host, "GET", "/", "")
			if err == nil && status != http.StatusOK {
				err = fmt.Errorf("%d %s", status, text)
			}
			return err
		},
		"action": func() error {
			var a activation
			status, err := o.call(t.Context(), http.MethodPost, "/actions/hello?blocking=true", map[string]string{"name": "x"}, &a)
			if err == nil && status != http.StatusOK {
				err = fmt.Errorf("%d %s %s", status, a.Error, a.Response.Result)
			}
			return err
		},
	}
	took := map[string][]time.Duration{}
	for range 500 { // in turn, as the machine has its moods
		for name, once := range ask {
			began := time.Now()
			if err := once(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			took[name] = append(took[name], time.Since(began))
		}
	}
	table := fmt.Sprintf("%-8s %12s %12s %16s\n", "warm", "p50", "p99", "8 clients")
	for _, name := range []string{"bare", "action"} {
		all := took[name]
		slices.Sort(all)
		table += fmt.Sprintf("%-8s %9.2f ms %9.2f ms %12.0f /s\n", name, milliseconds(all[len(all)/2]), milliseconds(all[len(all)*99/100]), o.throughput(ask[name]))
	}
	times := float64(took["action"][250]) / float64(took["bare"][250])
	record(t, "latency", table+fmt.Sprintf("an invocation takes %.2f times as long as the bare Service\n", times))
}

// throughput is how often a second it succeeds for eight at a time.
func (o *onCluster) throughput(once func() error) float64 {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), 5*time.Second)
	defer cancel()
	var clients sync.WaitGroup
	var mu sync.Mutex
	done, began := 0, time.Now()
	for range 8 {
		clients.Go(func() {
			for ctx.Err() == nil {
				if err := once(); err != nil {
					o.t.Errorf("under load: %v", err)
					return
				}
				mu.Lock()
				done++
				mu.Unlock()
			}
		})
	}
	clients.Wait()
	return float64(done) / time.Since(began).Seconds()
}
