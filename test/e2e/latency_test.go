package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// plainServer is the function of the action as one would write it for Knative alone.
const plainServer = `require('http').createServer((req, res) => {
  let text = ''
  req.on('data', (d) => { text += d })
  req.on('end', () => {
    res.setHeader('Content-Type', 'application/json')
    res.end(JSON.stringify({greeting: 'Hello ' + JSON.parse(text).name}))
  })
}).listen(8080)`

// warm is a Service that keeps a pod, of an image with that command.
func warm(name, image string, command ...string) string {
	text, err := json.Marshal(map[string]any{
		"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": map[string]any{"name": name},
		"spec": map[string]any{"template": map[string]any{
			"metadata": map[string]any{"annotations": map[string]any{"autoscaling.knative.dev/min-scale": "1"}},
			"spec":     map[string]any{"containerConcurrency": 1, "containers": []any{map[string]any{"image": image, "command": command}}},
		}},
	})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// TestWarmInvocationsThroughTheAPI prints what a blocking invocation through the API costs beside a
// request straight to a Service: one of a few lines of Go that answers a GET, and one that is the same
// function in the same language.
func TestWarmInvocationsThroughTheAPI(t *testing.T) {
	registry := os.Getenv("REGISTRY")
	o := serveOn(t, "--knative-registry", registry+"/e2e-actions", "--knative-images", "nodejs:18="+registry+"/node:0", "--concurrent-invocations", "1000")
	o.do("action", "create", "hello", o.file("a.js", "function main(args) { return {greeting: 'Hello ' + args.name} }"), "--kind", "nodejs:18", "-a", "autoscaling.knative.dev/min-scale", "1")
	straight := func(name, method, body string, service string) func() error {
		host, err := o.serve(t.Context(), name, service)
		if err != nil {
			t.Fatal(err)
		}
		return func() error {
			status, text, err := o.ask(t.Context(), host, method, "/", body)
			if err == nil && (status != http.StatusOK || !strings.Contains(strings.ToLower(text), "hello")) {
				err = fmt.Errorf("%d %s", status, text)
			}
			return err
		}
	}
	ask := map[string]func() error{
		"bare go":     straight("bare", "GET", "", warm("bare", registry+"/hello:0")),
		"bare nodejs": straight("plain", "POST", `{"name":"x"}`, warm("plain", registry+"/node:0", "/usr/bin/node", "-e", plainServer)),
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
	table := fmt.Sprintf("%-12s %12s %12s %16s\n", "warm", "p50", "p99", "8 clients")
	for _, name := range []string{"bare go", "bare nodejs", "action"} {
		all := took[name]
		slices.Sort(all)
		table += fmt.Sprintf("%-12s %9.2f ms %9.2f ms %12.0f /s\n", name, milliseconds(all[len(all)/2]), milliseconds(all[len(all)*99/100]), o.throughput(ask[name]))
	}
	times := func(bare string) float64 { return float64(took["action"][250]) / float64(took[bare][250]) }
	record(t, "latency", table+fmt.Sprintf("an invocation takes %.2f times as long as the same function without us, %.2f times as long as a GET of nothing; goal 1.3\n",
		times("bare nodejs"), times("bare go")))
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
