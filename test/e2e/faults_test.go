package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// counting is a server with an action of that name that tells the counter of its runs.
func counting(t *testing.T, flags ...string) (*onCluster, *counter) {
	t.Helper()
	registry := os.Getenv("REGISTRY")
	o := serveOn(t, append([]string{"--knative-registry", registry + "/e2e-actions", "--knative-images", "nodejs:18=" + registry + "/node:0"}, flags...)...)
	n := newCounter(t, o.cluster)
	o.create("counted", "1", n)
	if got := o.invoke("counted", map[string]any{"n": "first"}); !got.Response.Success || n.of("first") != 1 {
		t.Fatalf("%s, ran %d times", got.Response.Result, n.of("first"))
	}
	return o, n
}

// create creates or updates the action.
func (o *onCluster) create(name, version string, n *counter) {
	o.t.Helper()
	o.do("action", "update", name, o.file(name+".js", strings.ReplaceAll(counted, "VERSION", version)), "--kind", "nodejs:18", "-p", "url", n.url)
}

// load sends that many activations of the action, every other one blocking, and calls at after so many
// were accepted. It returns the ids of those that were accepted, by number.
func (o *onCluster) load(action string, many, after int, at func()) map[string]string {
	accepted := map[string]string{}
	var mu sync.Mutex
	var clients sync.WaitGroup
	numbers := make(chan int)
	for range 6 {
		clients.Go(func() {
			for i := range numbers {
				path := "/actions/" + action
				if i%2 == 1 {
					path += "?blocking=true"
				}
				var a activation
				number := fmt.Sprintf("%s-%d", action, i)
				status, err := o.call(o.t.Context(), http.MethodPost, path, map[string]any{"n": number}, &a)
				mu.Lock()
				if err == nil && a.ActivationID != "" && status != http.StatusTooManyRequests {
					accepted[number] = a.ActivationID
				}
				if len(accepted) >= after && at != nil {
					at()
					at = nil
				}
				mu.Unlock()
			}
		})
	}
	for i := range many {
		numbers <- i
	}
	close(numbers)
	clients.Wait()
	return accepted
}

// settled waits for the records of activations: each says that it ran, and then it ran once, or that
// nobody knows; nothing ran twice.
func (o *onCluster) settled(accepted map[string]string, n *counter, unknown string) (failed int) {
	o.t.Helper()
	for number, id := range accepted {
		a := o.record(id)
		switch {
		case a.Response.Success && n.of(number) == 1:
		case !a.Response.Success && strings.Contains(string(a.Response.Result), unknown) && unknown != "":
			failed++
		default:
			o.t.Errorf("%s ran %d times and is recorded as %s %s", number, n.of(number), a.Response.Status, a.Response.Result)
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for number, times := range n.runs {
		if times > 1 {
			o.t.Errorf("%s ran %d times", number, times)
		}
	}
	return failed
}

func TestKilledServerLosesNothingOnAClusterAndRunsNothingTwice(t *testing.T) {
	t.Parallel()
	o, n := counting(t)
	accepted := o.load("counted", 120, 50, func() { o.server.Kill() })
	if len(accepted) < 50 || len(accepted) == 120 {
		t.Fatalf("%d were accepted", len(accepted))
	}
	o.start()
	interrupted := o.settled(accepted, n, "The server was restarted while the action was running.")
	t.Logf("%d accepted, %d of them interrupted", len(accepted), interrupted)
}

func TestKilledPodOfARunIsToldAndTheRunIsNotRepeated(t *testing.T) {
	t.Parallel()
	o, n := counting(t)
	ended := make(chan activation, 1)
	go func() { ended <- o.invoke("counted", map[string]any{"n": "held", "hold": true}) }()
	<-n.arrived
	o.mustKubectl(t, "", "delete", "pods", "--all", "--force", "--grace-period=0")
	if got := <-ended; got.Response.Success || !strings.Contains(string(got.Response.Result), "Whether it ran is not known") || got.Response.Status != "whisk internal error" {
		t.Errorf("%s: %s", got.Response.Status, got.Response.Result)
	}
	if got := o.invoke("counted", map[string]any{"n": "next"}); !got.Response.Success {
		t.Errorf("after that: %s", got.Response.Result)
	}
	if n.of("held") != 1 || n.of("next") != 1 {
		t.Errorf("ran %d times and %d times", n.of("held"), n.of("next"))
	}
}

func TestServiceDeletedUnderLoadComesBackAndNothingRunsTwice(t *testing.T) {
	t.Parallel()
	o, n := counting(t)
	name := o.services()["/guest/counted"]
	accepted := o.load("counted", 60, 20, func() { o.mustKubectl(t, "", "delete", "ksvc", name, "--wait=false") })
	if failed := o.settled(accepted, n, ""); failed > 0 || len(accepted) != 60 {
		t.Errorf("%d were accepted, %d failed", len(accepted), failed)
	}
}

func TestActionThatIsUpdatedBeforeItServesRunsAsItIsNow(t *testing.T) {
	t.Parallel()
	o, n := counting(t)
	accepted := map[string]string{}
	accept := func(number string) {
		t.Helper()
		var a activation
		if status, err := o.call(t.Context(), http.MethodPost, "/actions/quick", map[string]any{"n": number}, &a); err != nil || status != http.StatusAccepted {
			t.Fatalf("%d %s, %v", status, a.Error, err)
		}
		accepted[number] = a.ActivationID
	}
	for _, version := range []string{"1", "2", "3"} { // no Service is ready so soon
		o.create("quick", version, n)
		accept(version)
	}
	o.do("action", "update", "quick", "-p", "url", n.url, "-p", "more", "parameters")
	accept("4")
	if failed := o.settled(accepted, n, ""); failed > 0 {
		t.Errorf("%d failed", failed)
	}
	if got := o.invoke("quick", map[string]any{"n": "5"}); string(got.Response.Result) != `{"n":"5","version":3}` {
		t.Errorf("at last %s", got.Response.Result)
	}
}

func TestWhatIsChangedByHandOnAClusterIsRepaired(t *testing.T) {
	t.Parallel()
	o, n := counting(t)
	name := o.services()["/guest/counted"]
	timeout := func() string {
		out, err := o.kubectl(t.Context(), "", "get", "ksvc", name, "-o", "jsonpath={.spec.template.spec.timeoutSeconds}")
		if err != nil {
			return ""
		}
		return out
	}
	secret := func() string {
		return o.mustKubectl(t, "", "get", "secrets", "-l", "dev.gowhisk/service="+name, "-o", "name")
	}
	works := func(when string) {
		t.Helper()
		if got := o.invoke("counted", map[string]any{"n": when}); !got.Response.Success || n.of(when) != 1 {
			t.Errorf("%s: %s, ran %d times", when, got.Response.Result, n.of(when))
		}
	}
	kept := secret()

	o.mustKubectl(t, "", "patch", "ksvc", name, "--type=merge", "-p", `{"spec":{"template":{"metadata":{"name":"`+name+`-byhand"},"spec":{"timeoutSeconds":17}}}}`)
	works("edited")
	o.until("the edit stays", func() bool { return timeout() == "600" })

	o.mustKubectl(t, "", "delete", strings.TrimSpace(kept))
	o.until("the Secret does not come back", func() bool { return secret() == kept })
	o.mustKubectl(t, "", "delete", "pods", "--all", "--force", "--grace-period=0")
	works("without Secret")

	o.server.Stop(t)
	o.mustKubectl(t, "", "delete", "ksvc", name)
	o.mustKubectl(t, "", "delete", strings.TrimSpace(kept))
	o.start()
	o.until("what was deleted while no server ran does not come back", func() bool { return o.services()["/guest/counted"] == name && secret() == kept })
	works("restarted")
}

func TestRegistryThatIsDownIsWaitedFor(t *testing.T) {
	t.Parallel()
	registry := os.Getenv("REGISTRY")
	if registry == "" {
		t.Skip("REGISTRY names no registry with the kit's images: make e2e starts one")
	}
	door := newDoorkeeper(t, registry)
	o := serveOn(t, "--knative-registry", door.host+"/e2e-actions", "--knative-images", "nodejs:18="+registry+"/node:0")
	n := newCounter(t, o.cluster)
	for phase, out := range map[string]func(*http.Request) bool{
		"push": func(*http.Request) bool { return true },
		"pull": func(r *http.Request) bool { return strings.Contains(r.UserAgent(), "containerd") },
	} {
		asked := make(chan struct{}, 1000)
		door.shut(func(r *http.Request) bool {
			if !out(r) {
				return false
			}
			select {
			case asked <- struct{}{}:
			default:
			}
			return true
		})
		o.create(phase, "1", n)
		ended := make(chan activation, 1)
		go func() { ended <- o.invoke(phase, map[string]any{"n": phase}) }()
		<-asked
		<-asked
		door.shut(nil)
		if got := <-ended; !got.Response.Success || n.of(phase) != 1 {
			t.Errorf("%s: %s, ran %d times", phase, got.Response.Result, n.of(phase))
		}
	}
}

func TestAPIServerMayBeAwayForAWhile(t *testing.T) {
	t.Parallel()
	if os.Getenv("KUBECONFIG") == "" {
		t.Skip("KUBECONFIG names no cluster: make e2e starts one")
	}
	kubeconfig, api := behind(t)
	o, n := counting(t, "--knative-kubeconfig", kubeconfig)
	name := o.services()["/guest/counted"]
	api.shut(true)
	away := time.After(30 * time.Second)
	o.create("fresh", "1", n)
	ended := make(chan activation, 1)
	go func() { ended <- o.invoke("fresh", map[string]any{"n": "fresh"}) }()
	if got := o.invoke("counted", map[string]any{"n": "meanwhile"}); !got.Response.Success || n.of("meanwhile") != 1 {
		t.Errorf("%s, ran %d times", got.Response.Result, n.of("meanwhile"))
	}
	o.mustKubectl(t, "", "delete", "ksvc", name, "--wait=false")
	select {
	case got := <-ended:
		t.Fatalf("ended without the cluster: %s", got.Response.Result)
	case <-away:
	}
	api.shut(false)
	if got := <-ended; !got.Response.Success || n.of("fresh") != 1 {
		t.Errorf("%s, ran %d times", got.Response.Result, n.of("fresh"))
	}
	o.until("what was deleted meanwhile does not come back", func() bool { return o.services()["/guest/counted"] == name })
	if got := o.invoke("counted", map[string]any{"n": "again"}); !got.Response.Success || n.of("again") != 1 {
		t.Errorf("%s, ran %d times", got.Response.Result, n.of("again"))
	}
}

func TestFullDiskOfTheServerRefusesWhatItCannotKeep(t *testing.T) {
	t.Parallel()
	o, n := counting(t)
	o.server.Stop(t)
	if err := syscall.Mount("tmpfs", o.data, "tmpfs", 0, "size=160m"); err != nil {
		t.Skipf("mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(o.data, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	o.start()
	o.create("counted", "2", n)
	if got := o.invoke("counted", map[string]any{"n": "roomy"}); !got.Response.Success {
		t.Fatalf("%s", got.Response.Result)
	}
	filler := filepath.Join(o.data, "filler")
	if err := os.WriteFile(filler, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := exec.CommandContext(t.Context(), "sh", "-c", "cat /dev/zero > "+filler).Run(); err == nil {
		t.Fatal("the disk does not become full")
	}
	o.until("a full disk is not noticed", func() bool {
		var a activation
		status, err := o.call(t.Context(), http.MethodPost, "/actions/counted", map[string]any{"n": "probe"}, &a)
		return err == nil && status == http.StatusServiceUnavailable && strings.Contains(a.Error, "Disk is full")
	})
	accepted := o.load("counted", 10, 0, nil)
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	o.until("the server does not recover", func() bool {
		var a activation
		status, err := o.call(t.Context(), http.MethodPost, "/actions/counted?blocking=true", map[string]any{"n": fmt.Sprint("again-", time.Now().UnixNano())}, &a)
		return err == nil && status == http.StatusOK
	})
	if failed := o.settled(accepted, n, ""); failed > 0 {
		t.Errorf("%d failed", failed)
	}
	for i := range 10 {
		if number := fmt.Sprintf("counted-%d", i); accepted[number] == "" && n.of(number) > 0 {
			t.Errorf("%s was refused and ran", number)
		}
	}
}

func TestContainersThatNeverServeAreToldSoon(t *testing.T) {
	t.Parallel()
	registry := os.Getenv("REGISTRY")
	o := serveOn(t, "--knative-registry", registry+"/e2e-actions", "--knative-images", "nodejs:18="+registry+"/node:0,python:3.11="+registry+"/node:0")
	crash := registry + "/e2e-actions/crash:" + o.namespace
	if out, err := exec.CommandContext(t.Context(), "crane", "mutate", "--insecure", registry+"/python:0", "--entrypoint", "/usr/bin/python3,-c,exit(3)", "--tag", crash).CombinedOutput(); err != nil {
		t.Fatalf("crane: %v: %s", err, out)
	}
	main := o.file("main.py", "def main(args):\n  return {}\n")
	for name, row := range map[string]struct {
		create       []string
		status, want string
	}{
		"no command":     {[]string{"--docker", registry + "/python:0"}, "action developer error", "No image can be made of the action"},
		"ends at once":   {[]string{"--docker", crash}, "action developer error", "exited unexpectedly"},
		"not there":      {[]string{"--docker", registry + "/e2e-actions/nothing:0"}, "action developer error", "Failed to pull container image"},
		"no interpreter": {[]string{main, "--kind", "python:3.11"}, "whisk internal error", "Failed to provision resources"},
	} {
		t.Run(name, func(t *testing.T) {
			action := strings.ReplaceAll(name, " ", "-")
			o.do(append([]string{"action", "create", action}, row.create...)...)
			began := time.Now()
			got := o.invoke(action, map[string]any{})
			if got.Response.Status != row.status || !strings.Contains(string(got.Response.Result), row.want) {
				t.Errorf("%s: %s", got.Response.Status, got.Response.Result)
			}
			if took := time.Since(began); took > time.Minute+40*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

func TestActionThatTheWebhookRefusesComesWhenItIsUpdated(t *testing.T) {
	t.Parallel()
	o, n := counting(t)
	o.do("action", "update", "counted", "-a", "autoscaling.knative.dev/min-scale", "-1")
	if got := o.invoke("counted", map[string]any{"n": "refused"}); got.Response.Status != "action developer error" || !strings.Contains(string(got.Response.Result), "does not accept the action") {
		t.Errorf("%s: %s", got.Response.Status, got.Response.Result)
	}
	o.do("action", "update", "counted", "-a", "autoscaling.knative.dev/min-scale", "0")
	if got := o.invoke("counted", map[string]any{"n": "accepted"}); !got.Response.Success || n.of("accepted") != 1 || n.of("refused") != 0 {
		t.Errorf("%s: %s", got.Response.Status, got.Response.Result)
	}
}
