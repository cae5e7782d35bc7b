package actionproxy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/gowhisk/gowhisk/internal/protocol"
	"github.com/gowhisk/gowhisk/runtimes"
)

// SupervisorOptions say how launchers are started and what they get.
type SupervisorOptions struct {
	Family runtimes.Family
	// Start starts a fresh launcher.
	Start func() (*Child, error)
	// Build compiles the source directory into bin/exec; what is wrong with the source is a
	// *protocol.Failure. Needed for compiled families only.
	Build func(ctx context.Context, main, source, bin string) error
	// Dir is where code is laid out.
	Dir string
	// Concurrent lets several runs be in flight, where the family's launcher can.
	Concurrent bool
	// Limits bound what is kept of a run; zero members mean the defaults.
	Limits Limits
	Log    *slog.Logger
}

// Supervisor keeps one launcher: warm while it waits for its action, then the action's, and a new one
// after its end. It is a Runtime.
type Supervisor struct {
	opts  SupervisorOptions
	inits int // of the one caller of Init at a time

	mu     sync.Mutex
	child  *Child // guarded by mu; a launcher, warm or initialized
	action bool   // guarded by mu; child is initialized
	died   bool   // guarded by mu; the action's launcher ended during a run
	failed Logs   // guarded by mu; of the last init that failed
	closed bool   // guarded by mu
}

// NewSupervisor starts the first launcher, so that an init finds it warm.
func NewSupervisor(opts SupervisorOptions) (*Supervisor, error) {
	s := &Supervisor{opts: opts}
	if _, err := s.launcher(); err != nil {
		return nil, err
	}
	return s, nil
}

// Start starts a launcher unless one is there, and waits until it is warm.
func (s *Supervisor) Start(ctx context.Context) error {
	child, err := s.launcher()
	if err != nil {
		return err
	}
	return child.Ready(ctx)
}

// Init lays the code out, compiles it where that is needed and hands it to the launcher.
func (s *Supervisor) Init(ctx context.Context, a *Action) (Answer, error) {
	prepared, err := s.prepare(ctx, a)
	if err != nil {
		return Answer{}, err
	}
	if s.opts.Concurrent && s.opts.Family.Concurrent && !a.oneAtATime() {
		prepared.setEnv(protocol.EnvAllowConcurrent, "true")
	} else {
		delete(prepared.Init.Env, protocol.EnvAllowConcurrent)
	}
	child, err := s.launcher()
	if err != nil {
		return Answer{}, err
	}
	child.Limit(a.limits(s.opts.Limits))
	answer, err := child.Init(ctx, &prepared.Init)
	if err != nil || answer.Status != http.StatusOK {
		s.keep(child.TakeLogs())
		s.drop(child, false) // it may have loaded a part of the action
		return answer, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.action, s.died = true, false
	return answer, nil
}

// keep keeps the logs of an init that failed.
func (s *Supervisor) keep(logs Logs) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = logs
}

// InitLogs is, once, what was printed before the last failure of Init.
func (s *Supervisor) InitLogs() Logs {
	s.mu.Lock()
	defer s.mu.Unlock()
	logs := s.failed
	s.failed = Logs{}
	return logs
}

// prepare makes files of the code.
func (s *Supervisor) prepare(ctx context.Context, a *Action) (Prepared, error) {
	s.inits++
	dir, err := s.folder("src")
	if err != nil {
		return Prepared{}, err
	}
	prepared, err := a.prepare(s.opts.Family, dir)
	if err != nil || prepared.Source == "" {
		return prepared, err
	}
	bin, err := s.folder("bin")
	if err != nil {
		return Prepared{}, err
	}
	if err := s.opts.Build(ctx, prepared.Init.Main, prepared.Source, bin); err != nil {
		return Prepared{}, err
	}
	prepared.Acknowledged(bin)
	return prepared, nil
}

// Run ends the launcher when it did not answer in time, or at all.
func (s *Supervisor) Run(ctx context.Context, id string, body []byte) (Answer, Logs, error) {
	child := s.initialized()
	if child == nil {
		return Answer{}, Logs{}, errNoAction
	}
	concurrent := child.Concurrent()
	answer, err := child.Forward(ctx, id, body)
	if err == nil && answer.Truncated {
		err = ErrOutOfStep
	}
	logs := func() Logs { return child.TakeLogs() }
	if concurrent {
		logs = func() Logs { return child.TakeLogsOf(id) }
	}
	if err != nil {
		s.drop(child, true)
		return Answer{}, logs(), err
	}
	return answer, logs(), nil
}

// initialized is the action's launcher, nil if there is none.
func (s *Supervisor) initialized() *Child {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.action {
		return nil
	}
	return s.child
}

// Err is nil while the action can take a run.
func (s *Supervisor) Err() error {
	if child := s.initialized(); child != nil {
		return child.Err()
	}
	return errNoAction
}

// Close ends the launcher and what is in flight.
func (s *Supervisor) Close() error {
	s.mu.Lock()
	child := s.child
	s.child, s.action, s.closed = nil, false, true
	s.mu.Unlock()
	if child == nil {
		return nil
	}
	return child.Stop()
}

// launcher returns the one that waits, or starts one.
func (s *Supervisor) launcher() (*Child, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, http.ErrServerClosed
	}
	if s.child != nil && s.child.Err() == nil {
		return s.child, nil
	}
	s.dropLocked()
	child, err := s.opts.Start()
	if err != nil {
		return nil, err
	}
	child.Limit(s.opts.Limits)
	s.child = child
	return child, nil
}

// drop ends the launcher unless another one has taken its place; died says that it was the action's.
func (s *Supervisor) drop(child *Child, died bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.child != child {
		return
	}
	s.dropLocked()
	s.died = s.died || died
}

// dropLocked ends the current launcher. The caller holds mu.
func (s *Supervisor) dropLocked() {
	if s.child == nil {
		return
	}
	if err := s.child.Stop(); err != nil {
		s.opts.Log.Warn("stop launcher", "error", err)
	}
	s.child, s.action = nil, false
}

// Reset ends the launcher, for another init.
func (s *Supervisor) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropLocked()
}

// state says whether the action can be run, and whether it could until it ended.
func (s *Supervisor) state() (child *Child, died bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.action {
		return nil, s.died
	}
	return s.child, s.died
}

// folder makes Dir/<n>/<name>, a new n for every init, as nothing of a failed one may be left over.
func (s *Supervisor) folder(name string) (string, error) {
	dir := filepath.Join(s.opts.Dir, strconv.Itoa(s.inits), name)
	if err := os.MkdirAll(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("make a folder for the action: %w", err)
	}
	return dir, nil
}
