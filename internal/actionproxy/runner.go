package actionproxy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/gowhisk/gowhisk/internal/protocol"
)

// heldLine bounds the last line of output, which is the result, in bytes.
const heldLine = 64 << 20

// lingering is how long output is read on after the executable has ended while a process that it
// left behind still holds its stdout.
const lingering = 100 * time.Millisecond

// runner runs an action's executable, one process per activation. OpenWhisk 3.8.5.
type runner struct {
	exec *Exec
	dir  string // empty: the stub
	env  map[string]string
	args []string // command line before the arguments
}

// locate checks that the executable is there and may be executed.
func (a *runner) locate() error {
	file, err := filepath.Abs(filepath.Join(a.dir, executable))
	if err != nil {
		return err
	}
	info, err := os.Stat(file)
	if err != nil {
		return fmt.Errorf("locate the action's executable: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("locate the action's executable: %s is no file", file)
	}
	kind, err := fileKind(file)
	if err != nil {
		return err
	}
	if kind == unknownFile && a.exec.Interpreter != "" {
		interpreter, err := a.lookPath(a.exec.Interpreter)
		a.args = []string{interpreter, file}
		return err
	}
	if info.Mode().Perm()&0o111 == 0 {
		if err := os.Chmod(file, 0o755); err != nil {
			return fmt.Errorf("make the action executable: %w", err)
		}
	}
	a.args = []string{file}
	return nil
}

// lookPath finds a command on the action's own PATH.
func (a *runner) lookPath(name string) (string, error) {
	for _, dir := range filepath.SplitList(a.env["PATH"]) {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0 {
			return file, nil
		}
	}
	return "", fmt.Errorf("find %s on PATH: %w", name, fs.ErrNotExist)
}

func (a *runner) argv() []string { return a.args }

func (a *runner) environ() []string {
	env := make([]string, 0, len(a.env))
	for key, value := range a.env {
		env = append(env, key+"="+value)
	}
	return env
}

// run answers one run line.
func (a *runner) run(line []byte) string {
	var body map[string]json.RawMessage
	if err := json.Unmarshal(line, &body); err != nil {
		return failureLine(http.StatusBadRequest, protocol.BadBody+err.Error())
	}
	value := body["value"]
	delete(body, "value")
	if len(value) == 0 || value[0] != '{' && value[0] != '[' {
		return failureLine(http.StatusNotFound, protocol.NoArguments)
	}
	if a.dir == "" {
		stub := protocol.Failure{Status: http.StatusOK, Message: protocol.StubAction}
		return string(stub.Answer().Append(nil))
	}
	last, err := a.execute(value, body)
	if err != nil {
		fmt.Fprintln(a.exec.Stderr, err)
	}
	last = bytes.TrimSpace(last)
	if !protocol.IsResult(last) {
		if len(last) > 0 {
			fmt.Fprintf(a.exec.Stdout, "%s\n", last)
		}
		return failureLine(http.StatusBadGateway, protocol.NoDictionaryOrArray)
	}
	return string(last)
}

// execute returns the last line of output; the lines before have gone to the logs.
func (a *runner) execute(value json.RawMessage, members map[string]json.RawMessage) ([]byte, error) {
	argv := a.argv()
	// The activation's deadline is the server's business, which ends the whole sandbox.
	cmd := exec.CommandContext(context.Background(), argv[0], argv[1:]...)
	if len(value) <= protocol.MaxArgument {
		cmd.Args = append(cmd.Args, string(value))
	}
	cmd.Dir = a.dir
	cmd.Env = a.environ()
	for key, raw := range members {
		var text string
		if json.Unmarshal(raw, &text) != nil {
			text = string(raw)
		}
		cmd.Env = append(cmd.Env, "__OW_"+strings.ToUpper(key)+"="+strings.ReplaceAll(text, "\x00", ""))
	}
	cmd.Stdin = io.MultiReader(bytes.NewReader(value), strings.NewReader("\n"))
	output := &lastLine{logs: a.exec.Stdout}
	cmd.Stdout, cmd.Stderr = output, a.exec.Stderr
	cmd.WaitDelay = lingering
	err := cmd.Run()
	a.exec.starved = starved(cmd.ProcessState)
	var status *exec.ExitError
	if errors.As(err, &status) || errors.Is(err, exec.ErrWaitDelay) {
		err = nil // the last line decides, not the exit status
	}
	return output.line, err
}

// lastLine passes lines on to the logs, all but the last one that is not blank.
type lastLine struct {
	logs io.Writer
	line []byte // held back; may end in line feeds
	over bool   // the line is too long to be held and goes to the logs
}

// Write never fails: a full log must not end the action.
func (l *lastLine) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n') + 1
		if end == 0 {
			end = len(p)
		}
		l.add(p[:end])
		p = p[end:]
	}
	return n, nil
}

// add takes a line or a part of one.
func (l *lastLine) add(part []byte) {
	complete := len(l.line) > 0 && l.line[len(l.line)-1] == '\n'
	if complete && len(bytes.TrimSpace(part)) > 0 {
		l.pass(l.line)
		l.line = l.line[:0]
	}
	if l.over || len(l.line)+len(part) > heldLine {
		l.pass(l.line)
		l.pass(part)
		l.line = l.line[:0]
		l.over = part[len(part)-1] != '\n'
		return
	}
	l.line = append(l.line, part...)
}

func (l *lastLine) pass(text []byte) {
	_, _ = l.logs.Write(text)
}
