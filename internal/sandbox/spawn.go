package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// spawner is the server's end of the spawner process, which forks every
// launcher. A process of its own because entering a user namespace rules
// vfork out, and copying the page tables of a server of some hundred
// megabytes would cost more than all the rest of a start.
type spawner struct {
	conn *net.UnixConn
	proc *os.Process
	over chan struct{} // closed when the spawner is gone

	mu      sync.Mutex
	pending []chan launched // in the order of requests; guarded by mu
	exits   map[int]awaited // by process id; guarded by mu
	closed  bool            // guarded by mu
}

// launched is the answer to a request: a launcher and how it will end.
type launched struct {
	pid   int
	pidfd *os.File
	over  <-chan struct{} // closed at its end
	end   *ended          // valid once over is closed
	err   error
}

// awaited is the spawner's side of a launcher that has not ended.
type awaited struct {
	over chan struct{}
	end  *ended
}

func (a awaited) resolve(e ended) {
	*a.end = e
	close(a.over)
}

// ended is how a launcher, by then usually the target, ended.
type ended struct {
	status unix.WaitStatus
	maxRSS int64 // bytes
	err    error
}

var errSpawnerGone = errors.New("spawner process is gone")

// newSpawner starts the process. It leads a session of its own, so that a
// terminal's interrupt reaches the server alone, which then ends it in order.
func newSpawner() (*spawner, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("make spawner socket: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "spawner"), os.NewFile(uintptr(pair[1]), "spawner")
	defer theirs.Close()
	defer ours.Close()
	proc, err := os.StartProcess("/proc/self/exe", []string{spawnMarker}, &os.ProcAttr{
		Files: []*os.File{nil, nil, os.Stderr, theirs}, Env: []string{},
		Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return nil, fmt.Errorf("start spawner: %w", err)
	}
	conn, err := unixConn(ours)
	if err != nil {
		_, werr := proc.Wait() // it ends with the socket
		return nil, errors.Join(fmt.Errorf("make spawner socket: %w", err), ours.Close(), werr)
	}
	s := &spawner{
		conn: conn, proc: proc,
		over: make(chan struct{}), exits: make(map[int]awaited),
	}
	go s.listen()
	return s, nil
}

// start forks a launcher that waits for its plan on the socket sync.
// A zygote's socket comes second, if it is to fork.
func (s *spawner) start(r spawnRequest, rights []int) launched {
	body, err := json.Marshal(r)
	if err != nil {
		return launched{err: fmt.Errorf("encode spawn request: %w", err)}
	}
	answer := make(chan launched, 1)
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return launched{err: errSpawnerGone}
	}
	_, _, err = s.conn.WriteMsgUnix(body, unix.UnixRights(rights...), nil)
	if err == nil {
		s.pending = append(s.pending, answer)
	}
	s.mu.Unlock()
	if err != nil {
		return launched{err: fmt.Errorf("ask spawner: %w", err)}
	}
	return <-answer
}

// listen hands the spawner's messages out until its end.
func (s *spawner) listen() {
	defer close(s.over)
	buf, oob := make([]byte, 4096), make([]byte, 64)
	for {
		n, oobn, _, _, err := s.conn.ReadMsgUnix(buf, oob)
		if err != nil || n == 0 {
			break
		}
		var m spawnMessage
		if err := json.Unmarshal(buf[:n], &m); err != nil {
			break // not of this binary's making
		}
		s.dispatch(m, oob[:oobn])
	}
	s.abandon()
}

func (s *spawner) dispatch(m spawnMessage, oob []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.Ended {
		// A child of a zygote that failed meanwhile was announced to nobody.
		if exit, ok := s.exits[m.Pid]; ok {
			exit.resolve(ended{status: unix.WaitStatus(m.Status), maxRSS: m.MaxRSS})
		}
		delete(s.exits, m.Pid)
		return
	}
	answer := s.pending[0]
	s.pending = s.pending[1:]
	if m.Errno != 0 {
		answer <- launched{err: fmt.Errorf("start launcher: %w", unix.Errno(m.Errno))}
		return
	}
	a := awaited{over: make(chan struct{}), end: new(ended)}
	s.exits[m.Pid] = a
	fds, err := receivedFDs(oob)
	if err != nil || len(fds) != 1 {
		answer <- launched{err: errors.Join(errors.New("spawner sent no pidfd"), err)}
		return
	}
	answer <- launched{pid: m.Pid, pidfd: os.NewFile(uintptr(fds[0]), "pidfd"), over: a.over, end: a.end}
}

// abandon tells everyone who waits that the spawner is gone, and reaps it.
func (s *spawner) abandon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, answer := range s.pending {
		answer <- launched{err: errSpawnerGone}
	}
	for _, exit := range s.exits {
		exit.resolve(ended{err: errSpawnerGone})
	}
	s.pending, s.exits = nil, nil
	err := s.conn.Close()
	if _, werr := s.proc.Wait(); err != nil || werr != nil {
		return // it is gone either way
	}
}

// stop ends the spawner, and with it every launcher it forked.
func (s *spawner) stop() error {
	err := s.conn.CloseWrite()
	<-s.over
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("stop spawner: %w", err)
	}
	return nil
}
