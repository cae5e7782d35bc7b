package local_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/sandbox"
)

// tiers are those that every check of isolation is made in.
func tiers() []sandbox.Tier {
	return []sandbox.Tier{sandbox.TierFull, sandbox.TierRootless, sandbox.TierLandlock}
}

// holdings is what a server has of the host: what it must give back.
type holdings struct{ files, children, networks, mounts, groups int }

func (h holdings) String() string {
	return fmt.Sprintf("%d files, %d children, %d networks, %d mounts, %d cgroups", h.files, h.children, h.networks, h.mounts, h.groups)
}

// held counts it. Children are all processes below this one, helpers included;
// networks are those that they are in. Cgroups are those that this process's
// tests make, mounts those below the folder where they do: others on this
// machine come and go.
func held(t *testing.T) holdings {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	groups, err := filepath.Glob("/sys/fs/cgroup/*/gowhisk-" + owner() + "/*")
	if err != nil {
		t.Fatal(err)
	}
	children, networks := offspring(), map[string]bool{}
	for _, pid := range children {
		if network, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/ns/net"); err == nil { // or it has ended
			networks[network] = true
		}
	}
	return holdings{len(files), len(children), len(networks), strings.Count(string(mounts), " "+filepath.Clean(os.TempDir())+"/"), len(groups)}
}

// wantHeld waits until this process holds what it held before.
func wantHeld(t *testing.T, before holdings) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	now := held(t)
	for tick := time.NewTicker(10 * time.Millisecond); now != before && time.Now().Before(deadline); now = held(t) {
		<-tick.C
	}
	if now != before {
		t.Errorf("held %s before and %s after", before, now)
	}
}

// offspring lists the processes below this one.
func offspring() []int {
	all := []int{os.Getpid()}
	for i := 0; i < len(all); i++ {
		tasks, _ := filepath.Glob("/proc/" + strconv.Itoa(all[i]) + "/task/*/children") // the pattern is well formed
		for _, task := range tasks {
			body, err := os.ReadFile(task)
			if err != nil {
				continue // it ended meanwhile
			}
			for _, field := range strings.Fields(string(body)) {
				if pid, err := strconv.Atoi(field); err == nil {
					all = append(all, pid)
				}
			}
		}
	}
	return all[1:]
}

// runtimesBelow lists the processes that are neither this program nor helpers
// of it: interpreters and what actions start.
func runtimesBelow() []int {
	var out []int
	for _, pid := range offspring() {
		comm, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
		if err == nil && !isZygote(pid) && !strings.HasPrefix(string(comm), "exe") && !strings.HasPrefix(string(comm), "local.test") {
			out = append(out, pid)
		}
	}
	return out
}

// resident is this process's memory in bytes.
func resident(t *testing.T) int64 {
	t.Helper()
	body, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(body))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// peakOf runs f and returns how much more memory this process had meanwhile
// than before, as a watcher saw it every few milliseconds.
func peakOf(t *testing.T, f func()) int64 {
	t.Helper()
	before, peak := resident(t), int64(0)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				peak = max(peak, resident(t)-before)
			case <-stop:
				return
			}
		}
	}()
	f()
	close(stop)
	<-stopped
	return peak
}

// countsMemory reports whether a cgroup limits memory in the strongest tier here.
func countsMemory(t *testing.T) bool {
	t.Helper()
	return sandbox.Probe(t.Context(), sandbox.Options{Owner: owner()}).Tier == sandbox.TierFull
}
