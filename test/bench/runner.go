package main

import (
	"bufio"
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

//go:embed runner
var runnerFiles embed.FS

// language is one that is measured, with what this host has for it.
type language struct {
	name        string // node or python
	family      string // of the kind
	kind        string // as the server knows it
	interpreter string // its executable
	file        string // of the bare runner
	code        string // of an action that returns its arguments
	version     string
}

// languages are those that can be measured; the interpreters are not known
// yet.
func languages() []language {
	return []language{
		{name: "node", family: "nodejs", file: "runner.cjs", code: "function main(args) { return args; }"},
		{name: "python", family: "python", file: "runner.py", code: "def main(args):\n    return args\n"},
	}
}

// layOutRunner writes the bare runner of l into dir.
func layOutRunner(l language, dir string) error {
	data, err := runnerFiles.ReadFile("runner/" + l.file)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, l.file), data, 0o600)
}

// runner is a bare interpreter that runs one function, spoken to over pipes.
// It is used by one goroutine at a time.
type runner struct {
	cmd     *exec.Cmd
	in, out *os.File
	lines   *bufio.Reader
	request []byte
}

// startRunner starts the interpreter and hands it the code; it does not wait
// for an answer. ctx ends the process.
func startRunner(ctx context.Context, interpreter, script, code string) (*runner, error) {
	stdin, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	out, answers, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, stdin.Close(), in.Close())
	}
	cmd := exec.CommandContext(ctx, interpreter, script)
	// What the user's environment has for interpreters costs time: a bundle of
	// certificates, for example, is read before the first line of code.
	cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", "HOME=/tmp"}
	cmd.Stdin, cmd.Stderr, cmd.ExtraFiles = stdin, os.Stderr, []*os.File{answers}
	err = errors.Join(cmd.Start(), stdin.Close(), answers.Close())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", interpreter, err), in.Close(), out.Close())
	}
	r := &runner{cmd: cmd, in: in, out: out, lines: bufio.NewReader(out)}
	text, err := json.Marshal(code)
	if err != nil {
		return nil, errors.Join(err, r.close())
	}
	if _, err := in.Write(append(text, '\n')); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

// ready waits until the code is loaded.
func (r *runner) ready() error {
	line, err := r.lines.ReadSlice('\n')
	if err != nil {
		return fmt.Errorf("load code: %w", err)
	}
	if string(line) != "true\n" {
		return fmt.Errorf("load code: answer %q", line)
	}
	return nil
}

// first waits for the code and runs the function.
func (r *runner) first(arguments []byte) ([]byte, error) {
	if err := r.ready(); err != nil {
		return nil, err
	}
	return r.call(arguments)
}

// call runs the function once. The result is valid until the next call.
func (r *runner) call(arguments []byte) ([]byte, error) {
	r.request = append(append(r.request[:0], arguments...), '\n')
	if _, err := r.in.Write(r.request); err != nil {
		return nil, fmt.Errorf("send arguments: %w", err)
	}
	line, err := r.lines.ReadSlice('\n')
	if err != nil {
		return nil, fmt.Errorf("read result: %w", err)
	}
	return bytes.TrimSuffix(line, []byte("\n")), nil
}

// close lets the process end and waits for it.
func (r *runner) close() error {
	return errors.Join(r.in.Close(), r.cmd.Wait(), r.out.Close())
}
