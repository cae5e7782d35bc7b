package crash

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestFullDisk fills the disk of a server to the last byte: new work is
// refused, the rest goes on, and all of it when there is room again.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir, l := smallDisk(t, "64m"), newLedger(t)
	s := start(t, dir+"/data", "--api-host", l.URL)
	s.create(t, "quick", reporting(0))
	s.create(t, "slow", reporting(1500))
	s.create(t, "surplus", reporting(0))
	for range 5 {
		s.outcome(t, l.accepted(t, s, "quick"))
	}
	running := make(chan answer, 1)
	go func() {
		id, got, err := s.invoke("slow", "?blocking=true", 0)
		if err == nil {
			l.ack(id, got.status)
		}
		running <- got
	}()
	l.accepted(t, s, "slow")
	until(t, func() bool { return l.total() == 7 })

	give := takeAllSpace(t, dir)
	until(t, func() bool { return l.probe(s).code == "GW5201" }) // it looks at the disk from time to time
	l.wantNewWorkRefused(t, s)
	s.must(t, http.MethodGet, "activations", nil)
	s.must(t, http.MethodGet, "actions/quick", nil)
	s.must(t, http.MethodDelete, "actions/surplus", nil)
	if got := <-running; got.status != http.StatusOK {
		t.Errorf("the running activation is answered with %d %s", got.status, got.body)
	}

	give()
	freed := time.Now()
	until(t, func() bool { return l.probe(s).status == http.StatusAccepted })
	if took := time.Since(freed); took > 5*time.Second {
		t.Errorf("it went on %s after there was room", took)
	}
	l.audit(t, s)
	s.kill()
	s = start(t, dir+"/data", "--api-host", l.URL)
	l.audit(t, s)
}

// probe tries to start an activation.
func (l *ledger) probe(s *server) answer {
	id, got, err := s.invoke("quick", "", 0)
	if err == nil && id != "" {
		l.ack(id, got.status)
	}
	return got
}

// wantNewWorkRefused wants everything that needs room to be refused at once.
func (l *ledger) wantNewWorkRefused(t *testing.T, s *server) {
	t.Helper()
	slowest := time.Duration(0)
	for range 20 {
		began := time.Now()
		got := l.probe(s)
		slowest = max(slowest, time.Since(began))
		if got.status != http.StatusServiceUnavailable || got.code != "GW5201" {
			t.Errorf("a new activation is answered with %d %s %s", got.status, got.code, got.body)
		}
	}
	t.Logf("refused within %s", slowest)
	if slowest > time.Second {
		t.Error("that is too long")
	}
	got, err := s.do(http.MethodPut, "actions/new", []byte(`{"exec":{"kind":"nodejs:default","code":"x"}}`))
	if err != nil || got.code != "GW5201" {
		t.Errorf("a new action is answered with %d %s %v", got.status, got.body, err)
	}
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
