package e2e

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/imagebuild"
)

// figures are what is measured of one Service.
type figures struct {
	ready, fromZero, p50, p99 time.Duration
}

// TestActionsAreAboutAsFastAsABareService prints what the proxy costs beside a Service of a few lines
// of Go that does without.
func TestActionsAreAboutAsFastAsABareService(t *testing.T) {
	c := newCluster(t)
	var runtimes runtimeImages
	objects := map[string]string{"bare": bare(c)}
	for family, text := range map[string]string{
		"nodejs": "function main(args) { return {greeting: 'Hello ' + args.name} }\n",
		"python": "def main(args):\n  return {'greeting': 'Hello ' + args.get('name', '')}\n",
	} {
		base, err := runtimes.of(t, c, family)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), map[string]string{"nodejs": "a.js", "python": "a.py"}[family])
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		image := build(t, file, "--name", family, "--base", base, "--methods", "GET,POST", "--push", c.registry+"/e2e/fast-"+family)
		service, err := new(imagebuild.Builder).Service(t.Context(), imagebuild.ServiceSpec{Action: actionproxy.Action{Name: family}, Image: image})
		if err != nil {
			t.Fatal(err)
		}
		objects[family] = string(service)
	}
	all := measure(t, c, objects)
	table := fmt.Sprintf("%-8s %11s %11s %12s %12s\n", "service", "to ready", "from zero", "warm p50", "warm p99")
	for _, name := range slices.Sorted(maps.Keys(all)) {
		f := all[name]
		table += fmt.Sprintf("%-8s %9.2f s %9.2f s %9.2f ms %9.2f ms\n", name, f.ready.Seconds(), f.fromZero.Seconds(), milliseconds(f.p50), milliseconds(f.p99))
	}
	record(t, "figures", table)
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// bare is the kit's greeting, which does nothing.
func bare(c *cluster) string {
	return fmt.Sprintf(`
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: bare}
spec: {template: {spec: {containerConcurrency: 1, containers: [{image: "%s/hello:0"}]}}}
`, c.registry)
}

// measure makes the Services and asks each three times when all are at zero, and often when it is warm.
func measure(t *testing.T, c *cluster, objects map[string]string) map[string]figures {
	t.Helper()
	hosts, all, zero := map[string]string{}, map[string]figures{}, map[string][]time.Duration{}
	for name, text := range objects {
		began := time.Now()
		host, err := c.serve(t.Context(), name, text)
		if err != nil {
			t.Fatal(err)
		}
		hosts[name], all[name] = host, figures{ready: time.Since(began)}
	}
	for range 3 {
		for name, host := range hosts {
			c.untilZero(t, name)
			zero[name] = append(zero[name], c.once(t, host))
		}
	}
	for name, host := range hosts {
		const times = 300
		warm := make([]time.Duration, times)
		c.once(t, host)
		for i := range warm {
			warm[i] = c.once(t, host)
		}
		slices.Sort(warm)
		slices.Sort(zero[name])
		f := all[name]
		f.fromZero, f.p50, f.p99 = zero[name][1], warm[times/2], warm[times*99/100]
		all[name] = f
	}
	return all
}

// once is the time of one request.
func (c *cluster) once(t *testing.T, host string) time.Duration {
	t.Helper()
	began := time.Now()
	status, text, err := c.ask(t.Context(), host, "GET", "/", "")
	if err != nil || status != 200 {
		t.Fatalf("got %d %s, %v", status, text, err)
	}
	return time.Since(began)
}

// untilZero waits until a Service has no pod left that takes requests.
func (c *cluster) untilZero(t *testing.T, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		out, err := c.kubectl(ctx, "", "get", "deployments", "-l", "serving.knative.dev/service="+name, "-o", "jsonpath={.items[*].spec.replicas}")
		if err != nil {
			t.Fatal(err)
		}
		if out == "0" {
			return
		}
		<-tick.C
	}
}
