package crash

import (
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/test/live"
)

// TestSyncThatFailsStopsTheServer injects EIO into the fsyncs of a loaded
// server. What it acknowledged before must be there after a restart, and it
// must not go on as if a later sync had made up for the failed one.
func TestSyncThatFailsStopsTheServer(t *testing.T) {
	t.Parallel()
	for _, when := range failing() {
		t.Run("sync "+when, func(t *testing.T) {
			dir, l := t.TempDir()+"/data", newLedger(t)
			s := start(t, dir, "--api-host", l.URL)
			s.create(t, "quick", reporting(0))
			s.create(t, "long", reporting(20_000))
			l.await(t, l.accepted(t, s, "long")) // must not hold up the end
			injectEIO(t, s.cmd.Process.Pid, when)
			broken := l.until(t, s, "GW5202")
			code := s.exits(t, 5*time.Second)
			t.Logf("stopped %s after the first refusal with exit status %d", time.Since(broken).Round(time.Millisecond), code)
			if code != 1 || !strings.Contains(s.log.String(), "GW5202") {
				t.Errorf("exit status %d and log\n%s\nwant 1 and GW5202", code, s.log)
			}
			s = start(t, dir, "--api-host", l.URL)
			l.audit(t, s)
		})
	}
}

// failing are the syncs that fail, for injectEIO: three, or all of the first
// ones if that is asked for.
func failing() (all []string) {
	if *syncs == 0 {
		return []string{"1", "2+", "7"}
	}
	for n := range *syncs {
		all = append(all, strconv.Itoa(n+1))
	}
	return all
}

// injectEIO makes the fsyncs of a process fail: the nth, or from the nth on.
func injectEIO(t *testing.T, pid int, when string) {
	t.Helper()
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("strace is not on this host")
	}
	said := &live.Log{}
	tracer := exec.Command("strace", "-f", "-p", strconv.Itoa(pid), "-o", "/dev/null",
		"-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO:when="+when)
	tracer.Stderr = said
	if err := tracer.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = tracer.Wait() // ends with the server
		close(ended)
	}()
	t.Cleanup(func() {
		_ = tracer.Process.Signal(syscall.SIGTERM) // it is gone, mostly
		<-ended
	})
	until(t, func() bool {
		select {
		case <-ended:
			t.Skipf("strace may not trace here: %s", said)
		default:
		}
		return strings.Contains(said.String(), "attached")
	})
}

// until loads the server with both kinds of invocation from eight clients
// until each was refused with that code or has lost the server; it returns
// when the first was. Nothing that is asked for later may be acknowledged.
func (l *ledger) until(t *testing.T, s *server, code string) (first time.Time) {
	var mu sync.Mutex
	var clients sync.WaitGroup
	for i := range 8 {
		clients.Go(func() {
			for n := i; ; n++ {
				began := time.Now()
				id, got, err := s.invoke("quick", []string{"", "?blocking=true"}[n%2], n)
				mu.Lock()
				if id != "" && !first.IsZero() && began.After(first) {
					t.Errorf("%s was acknowledged with %d after the failure", id, got.status)
				}
				if err != nil || got.code == code {
					if first.IsZero() {
						first = time.Now()
					}
					mu.Unlock()
					return
				}
				mu.Unlock()
				if id != "" {
					l.ack(id, got.status)
				}
			}
		})
	}
	clients.Wait()
	return first
}
