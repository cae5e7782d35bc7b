package crash

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestSyncThatFailsStopsTheServer injects EIO into the fsyncs of a loaded
// server. What it acknowledged before must be there after a restart, and it
// must not go on as if a later sync had made up for the failed one.
func TestSyncThatFailsStopsTheServer(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"1", "2+", "7"} {
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

// injectEIO makes the fsyncs of a process fail: the nth, or from the nth on.
func injectEIO(t *testing.T, pid int, when string) {
	t.Helper()
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("strace is not on this host")
	}
	said := &logText{}
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

// TestFullDisk fills the disk of a server to the last byte.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir, l := smallDisk(t, "64m"), newLedger(t)
	s := start(t, dir+"/data", "--api-host", l.URL)
	s.create(t, "quick", reporting(0))
	s.create(t, "slow", reporting(1500))
	s.create(t, "surplus", reporting(0))
	for range 5 {
		l.accepted(t, s, "quick")
	}
	for id := range l.promises() {
		s.outcome(t, id)
	}
	running := make(chan answer, 1)
	go func() {
		id, got, err := s.invoke("slow", "?blocking=true", 0)
		if err == nil {
			l.ack(id, got.status)
		}
		running <- got
	}()
	l.await(t, l.accepted(t, s, "slow"))
	until(t, func() bool { return l.total() == 7 })

	give := takeAllSpace(t, dir)
	until(t, func() bool { // the store looks at the disk from time to time
		id, got, err := s.invoke("quick", "", 0)
		if id != "" {
			l.ack(id, got.status)
		}
		return err == nil && got.code == "GW5201"
	})
	slowest := time.Duration(0)
	for range 20 {
		began := time.Now()
		_, got, err := s.invoke("quick", "", 0)
		slowest = max(slowest, time.Since(began))
		if err != nil || got.status != http.StatusServiceUnavailable || got.code != "GW5201" {
			t.Errorf("a new activation is answered with %d %s %s %v", got.status, got.code, got.body, err)
		}
	}
	if slowest > time.Second {
		t.Errorf("a refusal took %s", slowest)
	}
	got, err := s.do(http.MethodPut, "actions/new", []byte(`{"exec":{"kind":"nodejs:default","code":"x"}}`))
	if err != nil || got.code != "GW5201" {
		t.Errorf("a new action is answered with %d %s %v", got.status, got.body, err)
	}
	s.must(t, http.MethodGet, "activations", nil)
	s.must(t, http.MethodGet, "actions/quick", nil)
	s.must(t, http.MethodDelete, "actions/surplus", nil)
	if got := <-running; got.status != http.StatusOK {
		t.Errorf("the running activation is answered with %d %s", got.status, got.body)
	}

	give()
	freed := time.Now()
	until(t, func() bool {
		id, got, _ := s.invoke("quick", "", 0)
		if id != "" {
			l.ack(id, got.status)
		}
		return id != ""
	})
	t.Logf("refused within %s; went on %s after there was room", slowest.Round(time.Millisecond), time.Since(freed).Round(time.Millisecond))
	if time.Since(freed) > 5*time.Second {
		t.Error("that is too long")
	}
	l.audit(t, s)
	s.kill()
	s = start(t, dir+"/data", "--api-host", l.URL)
	l.audit(t, s)
	s.kill()
}

// smallDisk mounts a tmpfs of that size where only this test and what it
// starts see it.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	runtime.LockOSThread() // and never unlocks: the thread ends with the test
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		t.Skipf("no mount namespace of its own: %v", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// takeAllSpace fills the disk of dir to the last byte; the result frees it.
func takeAllSpace(t *testing.T, dir string) (give func()) {
	t.Helper()
	path := filepath.Join(dir, "filler")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for size := 1 << 20; size > 0; {
		_, err := file.Write(bytes.Repeat([]byte{1}, size))
		if errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}
