package actionproxy

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/gowhisk/gowhisk/internal/protocol"
	"github.com/gowhisk/gowhisk/runtimes"
)

// executable is the file that an archive or a source text becomes. OpenWhisk 3.8.5.
const executable = "exec"

// Exec is the launcher written in Go: for executables of any language. The binary that contains it
// runs it when it is started with a marker argument of its own choice inside a sandbox.
type Exec struct {
	// Requests and Answers are the two ends of the protocol; Stdout and Stderr are the logs.
	Requests, Answers *os.File
	Stdout, Stderr    *os.File
	Mode              runtimes.Mode
	Interpreter       string   // runs code that is neither binary nor script, such as "bash"; may be empty
	StubCode          bool     // an init without code is legal
	Environ           []string // of the launcher, as os.Environ gives it
	TemporaryFolder   string   // for source text that came in the init line

	starved bool // the last program was refused memory
}

// Serve speaks the launcher protocol until the requests end, or with ErrStarved in place of an
// answer. In ActionLoop mode a successful init
// replaces this process by the action's program, so that Serve does not return.
func (e *Exec) Serve() error {
	syscall.CloseOnExec(int(e.Answers.Fd()))
	if err := e.answer(`{"ok":true}`); err != nil {
		return err
	}
	if e.Mode == runtimes.ActionLoop {
		return e.becomeAction()
	}
	requests := bufio.NewReaderSize(e.Requests, 64<<10)
	var a *runner
	for {
		line, err := requests.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read request: %w", err)
		}
		text, next := e.step(a, line)
		a = next
		if e.starved {
			return ErrStarved
		}
		if err := e.answer(text); err != nil {
			return err
		}
	}
}

// step answers one line; it returns the action, once there is one.
func (e *Exec) step(a *runner, line []byte) (string, *runner) {
	if a != nil {
		return a.run(line), a
	}
	in, ok := protocol.ParseInit(line)
	if !ok {
		return failureLine(http.StatusInternalServerError, protocol.NotInitialized), nil
	}
	a, failure := e.load(in)
	if failure != nil {
		return string(failure.Answer().Append(nil)), nil
	}
	return `{"ok":true}`, a
}

func (e *Exec) answer(text string) error {
	if _, err := e.Answers.WriteString(text + "\n"); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}

func failureLine(status int, message string) string {
	f := protocol.Failure{Status: status, Message: message}
	return string(f.Answer().Append(nil))
}

// load finds or writes the executable.
func (e *Exec) load(in protocol.Init) (*runner, *protocol.Failure) {
	dir := in.Dir
	if in.Code != "" {
		var err error
		if dir, err = e.write(in.Code); err != nil {
			return nil, e.noBinary(err)
		}
	}
	a := &runner{exec: e, dir: dir, env: merge(e.Environ, in.Env)}
	switch {
	case dir != "":
		if err := a.locate(); err != nil {
			return nil, e.noBinary(err)
		}
	case !e.StubCode:
		return nil, &protocol.Failure{Status: http.StatusForbidden, Message: protocol.NoCode}
	}
	return a, nil
}

// noBinary logs the reason, as the answer promises.
func (e *Exec) noBinary(err error) *protocol.Failure {
	fmt.Fprintln(e.Stderr, err)
	return &protocol.Failure{Status: http.StatusBadGateway, Message: protocol.NoBinary}
}

// write makes an executable of source text.
func (e *Exec) write(code string) (string, error) {
	dir, err := os.MkdirTemp(e.TemporaryFolder, "action")
	if err != nil {
		return "", fmt.Errorf("write the action: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, executable), []byte(code), 0o700); err != nil {
		return "", fmt.Errorf("write the action: %w", err)
	}
	return dir, nil
}

// becomeAction executes the program in place of this process once an init names it.
func (e *Exec) becomeAction() error {
	for {
		line, err := readLine(e.Requests)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read init: %w", err)
		}
		text, a := e.step(nil, line)
		if a != nil && a.env[protocol.EnvWaitForAck] != "" {
			text = "" // the program says itself when it has started
		}
		if text != "" {
			if err := e.answer(text); err != nil {
				return err
			}
		}
		if a != nil {
			return e.replace(a)
		}
	}
}

// replace returns only if it failed, and then this process ends: an acknowledgement may be out.
func (e *Exec) replace(a *runner) error {
	if err := os.Chdir(a.dir); err != nil {
		return fmt.Errorf("start action: %w", err)
	}
	if err := inherit(e.Answers); err != nil {
		return fmt.Errorf("start action: %w", err)
	}
	argv := a.argv()
	return fmt.Errorf("start action %s: %w", argv[0], syscall.Exec(argv[0], argv, a.environ()))
}

// inherit makes the answers' descriptor the one of the protocol, and keeps it open over exec.
func inherit(answers *os.File) error {
	fd := int(answers.Fd())
	if fd == protocol.AnswerFD {
		_, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_SETFD, 0)
		if errno != 0 {
			return errno
		}
		return nil
	}
	return syscall.Dup3(fd, protocol.AnswerFD, 0)
}

// readLine reads the init line. Nothing is sent after it before it is answered, so a read that ends
// a line has taken nothing that belongs to the program.
func readLine(f *os.File) ([]byte, error) {
	var line []byte
	chunk := make([]byte, 64<<10)
	for {
		n, err := f.Read(chunk)
		line = append(line, chunk[:n]...)
		if n > 0 && chunk[n-1] == '\n' {
			return line[:len(line)-1], nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// merge is the environment as a map; later entries win.
func merge(environ []string, env protocol.Env) map[string]string {
	all := make(map[string]string, len(environ)+len(env))
	for _, entry := range environ {
		if key, value, ok := strings.Cut(entry, "="); ok {
			all[key] = value
		}
	}
	for key, value := range env {
		if key != "" && !strings.ContainsAny(key, "=\x00") && !strings.Contains(value, "\x00") {
			all[key] = value
		}
	}
	return all
}

// ExecLauncher serves a family's executables over the descriptors that this process was started
// with: stdin, fd 3, stdout and stderr. environ is the process's environment.
func ExecLauncher(f runtimes.Family, environ []string) error {
	e := Exec{Requests: os.Stdin, Answers: os.NewFile(protocol.AnswerFD, "answers"), Stdout: os.Stdout, Stderr: os.Stderr,
		Mode: f.Mode, Interpreter: f.Interpreter, StubCode: f.StubCode, Environ: environ}
	if f.Mode == runtimes.Interpreted {
		return fmt.Errorf("%s has a launcher of its own", f.Name)
	}
	return e.Serve()
}
