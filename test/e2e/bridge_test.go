package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// crossed is a server on a cluster whose actions of Node wake behind stem cells, and what counts the runs
// of their activations.
type crossed struct {
	*onCluster
	runs *runs
}

// runs counts them by activation.
type runs struct {
	url string

	mu   sync.Mutex
	seen map[string]int // guarded by mu
}

func (r *runs) ServeHTTP(_ http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen[req.URL.Query().Get("id")]++
}

// once fails the test unless the activation ran once.
func (r *runs) once(t *testing.T, id string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen[id] != 1 {
		t.Errorf("activation %s ran %d times", id, r.seen[id])
	}
}

func (r *runs) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.seen)
}

// cross starts the server, and waits until the cells wait.
func cross(t *testing.T, cells int) *crossed {
	t.Helper()
	registry := os.Getenv("REGISTRY")
	o := serveOn(t, "--knative-registry", registry+"/e2e-bridge", "--knative-images", "nodejs:18="+registry+"/node:0",
		"--knative-stem-cells", fmt.Sprintf("nodejs:18=%d", cells))
	host, _, err := net.SplitHostPort(o.registry)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	r := &runs{url: "http://" + listener.Addr().String(), seen: map[string]int{}}
	server := &http.Server{Handler: r, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }() // until it is closed
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	x := &crossed{o, r}
	x.untilCells(cells)
	return x
}

// where is an action that says which pod it runs in, after a while.
const where = `const http = require('http'), pod = require('os').hostname()
const get = url => new Promise((done, fail) => http.get(url, r => r.resume().on('end', done)).on('error', fail))
async function main(a) {
  await get(a.counter + '/?id=' + process.env.__OW_ACTIVATION_ID)
  await new Promise(done => setTimeout(done, a.pause || 0))
  return {pod, n: a.n}
}`

// create makes an action that goes to zero soon.
func (x *crossed) create(name string, flags ...string) {
	x.t.Helper()
	x.do(append([]string{
		"action", "create", name, x.file(name+".js", where), "--kind", "nodejs:18", "-p", "counter", x.runs.url,
		"-a", "autoscaling.knative.dev/window", "6s",
	}, flags...)...)
}

// crossing is an activation as the API tells it.
type crossing struct {
	ID       string `json:"activationId"`
	Response struct {
		Status string
		Result struct {
			Pod string
			N   int
		}
	}
	Annotations []struct {
		Key   string
		Value json.RawMessage
	}
	took time.Duration
}

func (a *crossing) note(key string) string {
	for _, n := range a.Annotations {
		if n.Key == key {
			return strings.Trim(string(n.Value), `"`)
		}
	}
	return ""
}

func (a *crossing) fromCell() bool { return strings.HasPrefix(a.Response.Result.Pod, "cell-") }

// invoke runs an action and waits for its end, over a connection of its own.
func (x *crossed) invoke(ctx context.Context, name, args string) (*crossing, error) {
	properties, err := os.ReadFile(filepath.Join(x.dir, "wskprops"))
	if err != nil {
		return nil, err
	}
	set := map[string]string{}
	for line := range strings.Lines(string(properties)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		set[key] = value
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, set["APIHOST"]+"/api/v1/namespaces/_/actions/"+name+"?blocking=true", strings.NewReader(args))
	if err != nil {
		return nil, err
	}
	user, password, _ := strings.Cut(set["AUTH"], ":")
	req.SetBasicAuth(user, password)
	req.Header.Set("Content-Type", "application/json")
	began := time.Now()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(res.Body); err != nil {
		return nil, err
	}
	a := &crossing{took: time.Since(began)}
	if err := json.Unmarshal(body.Bytes(), a); err != nil || a.ID == "" {
		return nil, fmt.Errorf("status %d: %s, %w", res.StatusCode, &body, err)
	}
	return a, nil
}

func (x *crossed) mustInvoke(name, args string) *crossing {
	x.t.Helper()
	a, err := x.invoke(x.t.Context(), name, args)
	if err != nil {
		x.t.Fatal(err)
	}
	return a
}

// cells are the ready pods that wait for an action.
func (x *crossed) cells() []string {
	x.t.Helper()
	out := x.mustKubectl(x.t, "", "get", "pods", "-l", "dev.gowhisk/cell=stem", "-o",
		`jsonpath={range .items[?(@.status.containerStatuses[0].ready==true)]}{.metadata.name}{" "}{.metadata.deletionTimestamp}{"\n"}{end}`)
	var names []string
	for line := range strings.Lines(out) {
		if fields := strings.Fields(line); len(fields) == 1 {
			names = append(names, fields[0])
		}
	}
	return names
}

func (x *crossed) untilCells(n int) {
	x.t.Helper()
	x.until(fmt.Sprintf("there are no %d stem cells", n), func() bool { return len(x.cells()) == n })
}

// untilAsleep waits until the next request of the action goes to a cell.
func (x *crossed) untilAsleep(name string) {
	x.t.Helper()
	x.untilZero(x.t, x.services()["/guest/"+name])
	x.until(name+" does not sleep", func() bool { return strings.Contains(x.do("action", "get", name), "is at zero; one of") })
}

// untilAwake waits until its own pods answer.
func (x *crossed) untilAwake(name string) *crossing {
	x.t.Helper()
	var a *crossing
	x.until(name+" does not wake", func() bool {
		a = x.mustInvoke(name, `{}`)
		x.runs.once(x.t, a.ID)
		return !a.fromCell()
	})
	return a
}

func TestFirstRequestOfAnActionAtZeroIsAnsweredByAStemCell(t *testing.T) {
	t.Parallel()
	x := cross(t, 2)
	x.create("hello")
	a := x.mustInvoke("hello", `{}`)
	if !a.fromCell() {
		t.Errorf("a new action answers from %s", a.Response.Result.Pod)
	}
	x.runs.once(t, a.ID)
	x.untilAwake("hello")
	x.says("awake", x.do("action", "get", "hello"), `"dedicated"`)

	x.untilAsleep("hello")
	x.untilCells(2)
	x.says("asleep", x.do("action", "get", "hello"), `"bridge"`)
	waiting := x.cells()
	a = x.mustInvoke("hello", `{"n":7}`)
	x.runs.once(t, a.ID)
	if cell := a.Response.Result.Pod; !slices.Contains(waiting, cell) || a.Response.Result.N != 7 {
		t.Errorf("%s answers, the cells are %s", cell, waiting)
	}
	record := x.do("activation", "get", a.ID)
	x.says("record", record, `"placement"`)
	x.says("record", record, `"initTime"`)
	if a.note("placement") != "bridge" {
		t.Errorf("annotations %v", a.Annotations)
	}
	if own := x.untilAwake("hello"); own.note("placement") != "" {
		t.Errorf("annotations %v", own.Annotations)
	}
	x.do("action", "update", "hello", x.file("next.js", strings.ReplaceAll(where, "n: a.n", "n: 99")), "--kind", "nodejs:18")
	if next := x.mustInvoke("hello", `{}`); !next.fromCell() || next.Response.Result.N != 99 {
		t.Errorf("the next version answers %+v", next.Response)
	}
	x.until("the cell stays", func() bool {
		return !strings.Contains(x.mustKubectl(t, "", "get", "pods,secrets", "-o", "name"), a.Response.Result.Pod)
	})
	x.untilCells(2)
}

func TestManyFirstRequestsAtOnceRunOnceEach(t *testing.T) {
	t.Parallel()
	x := cross(t, 2)
	x.create("hello")
	x.untilAwake("hello")
	x.untilAsleep("hello")
	x.untilCells(2)
	const many = 20
	before := x.runs.count()
	answers := make([]*crossing, many)
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() {
			a, err := x.invoke(t.Context(), "hello", fmt.Sprintf(`{"n":%d,"pause":20}`, i))
			if err != nil {
				t.Error(err)
				return
			}
			answers[i] = a
		})
	}
	all.Wait()
	places := map[string]int{}
	for i, a := range answers {
		if a == nil {
			continue
		}
		places[a.Response.Result.Pod]++
		if x.runs.once(t, a.ID); a.Response.Result.N != i {
			t.Errorf("%d got the answer of %d: %+v", i, a.Response.Result.N, a)
		}
	}
	cells := 0
	for pod := range places {
		if strings.HasPrefix(pod, "cell-") {
			cells++
		}
	}
	if n := x.runs.count() - before; n != many || cells != 1 {
		t.Errorf("%d runs in %v", n, places)
	}
}

func TestStemCellsThatDieAreReplacedAndNothingRunsTwice(t *testing.T) {
	t.Parallel()
	x := cross(t, 1)
	x.create("hello")
	x.untilAwake("hello")
	x.untilAsleep("hello")
	x.untilCells(1)
	idle := x.cells()[0]
	x.mustKubectl(t, "", "delete", "pod", idle, "--grace-period=0", "--force")
	a := x.mustInvoke("hello", `{}`) // wherever it goes
	if x.runs.once(t, a.ID); a.Response.Result.Pod == idle || a.Response.Status != "success" {
		t.Errorf("%+v", a)
	}
	x.untilAwake("hello")
	x.untilAsleep("hello")
	x.untilCells(1)
	victim := x.cells()[0]
	before := x.runs.count()
	done := make(chan *crossing, 1)
	go func() {
		a, err := x.invoke(t.Context(), "hello", `{"pause":50000}`)
		if err != nil {
			t.Error(err)
		}
		done <- a
	}()
	x.until("it does not run", func() bool { return x.runs.count() > before })
	x.mustKubectl(t, "", "delete", "pod", victim, "--grace-period=0", "--force")
	if a := <-done; a != nil {
		if x.runs.once(t, a.ID); a.Response.Status == "success" {
			t.Errorf("the cell was %s: %+v", victim, a)
		}
	}
	x.untilAwake("hello")
	x.untilCells(1)
}

func TestServerThatStartsAgainKeepsTheCellsThatWait(t *testing.T) {
	t.Parallel()
	x := cross(t, 2)
	x.create("hello")
	x.untilAwake("hello")
	x.untilAsleep("hello")
	x.untilCells(2)
	before := x.cells()
	lost := make(chan struct{})
	go func() {
		defer close(lost)
		_, _ = x.invoke(t.Context(), "hello", `{"pause":20000}`) // nobody is left to answer
	}()
	x.until("it does not run", func() bool { return x.runs.count() > 0 && len(x.taken()) == 1 })
	taken := x.taken()[0]
	x.server.Kill()
	<-lost
	x.start()
	x.until("the cell of the killed server stays", func() bool { return !slices.Contains(x.pods(), taken) })
	x.untilCells(2)
	kept := 0
	for _, name := range x.cells() {
		if slices.Contains(before, name) {
			kept++
		}
	}
	if kept == 0 {
		t.Errorf("the cells were %s and are %s", before, x.cells())
	}
	a := x.mustInvoke("hello", `{}`)
	x.runs.once(t, a.ID)
}

// taken are the cells that stand in for a Service, pods all that there are.
func (x *crossed) taken() []string {
	x.t.Helper()
	return strings.Fields(x.mustKubectl(x.t, "", "get", "pods", "-l", "dev.gowhisk/cell,dev.gowhisk/cell!=stem", "-o", "jsonpath={.items[*].metadata.name}"))
}

func (x *crossed) pods() []string {
	x.t.Helper()
	return strings.Fields(x.mustKubectl(x.t, "", "get", "pods", "-o", "jsonpath={.items[*].metadata.name}"))
}

func TestBridgeIsFasterThanAService(t *testing.T) {
	x := cross(t, 2)
	quick := x.file("quick.js", `function main(a) { return {pod: require('os').hostname(), n: a.n} }`)
	for name, memory := range map[string]string{"bridged": "256", "alone": "512"} { // no cells have that
		x.do("action", "create", name, quick, "--kind", "nodejs:18", "-m", memory, "-a", "autoscaling.knative.dev/window", "6s")
	}
	const tries = 3
	times := map[string][]time.Duration{}
	for range tries {
		for _, name := range []string{"alone", "bridged"} {
			x.until(name+" does not wake", func() bool { return !x.mustInvoke(name, `{}`).fromCell() })
		}
		for _, name := range []string{"alone", "bridged"} {
			x.untilZero(t, x.services()["/guest/"+name])
		}
		x.untilAsleep("bridged")
		x.untilCells(2)
		for _, name := range []string{"bridged", "alone"} {
			a := x.mustInvoke(name, `{}`)
			if a.fromCell() != (name == "bridged") {
				t.Errorf("%s answers from %s", name, a.Response.Result.Pod)
			}
			times[name] = append(times[name], a.took)
		}
	}
	begin := map[string]time.Duration{}
	for name, memory := range map[string]string{"bridged": "256", "alone": "512"} {
		began := time.Now()
		x.do("action", "create", "new-"+name, quick, "--kind", "nodejs:18", "-m", memory)
		x.mustInvoke("new-"+name, `{}`)
		begin[name] = time.Since(began)
	}
	table := "first answer           zero p50   zero most     create to it\n"
	for _, name := range []string{"alone", "bridged"} {
		slices.Sort(times[name])
		table += fmt.Sprintf("%-20s %8.0f ms %8.0f ms %13.0f ms\n", map[string]string{"alone": "Knative alone", "bridged": "with a stem cell"}[name],
			milliseconds(times[name][tries/2]), milliseconds(times[name][tries-1]), milliseconds(begin[name]))
	}
	record(t, "bridge", table+"goal with a stem cell: 60 ms from zero\n")
}
