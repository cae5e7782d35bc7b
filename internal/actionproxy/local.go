package actionproxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gowhisk/gowhisk/internal/protocol"
	"github.com/gowhisk/gowhisk/runtimes"
)

// Local starts launchers of one kind as plain children of this process: inside a container, or on
// a developer's machine. It isolates nothing.
type Local struct {
	Host runtimes.Host
	// Launchers is a directory made by runtimes.LayOut.
	Launchers string
	// Self is the command that calls ExecLauncher for the family, for families without launcher.
	Self []string
	// Environ is the environment of launchers and compilers.
	Environ []string
	// Dir is the working directory.
	Dir            string
	Stdout, Stderr *os.File
	// Collect keeps the output of runs for TakeLogs; Stdout and Stderr get a copy.
	Collect bool
	// Rehearse lets a launcher use the time until its action comes; unset where that comes at once.
	Rehearse bool
}

// Start starts a launcher.
func (l Local) Start() (*Child, error) {
	argv := l.Self
	if l.Host.Family.Mode == runtimes.Interpreted {
		argv = l.Host.Argv(l.Launchers)
		if l.Rehearse {
			argv = append(argv, l.Host.WaitArgs()...)
		}
	}
	// Its owner ends it, by closing the Child.
	cmd := exec.CommandContext(context.Background(), argv[0], argv[1:]...)
	cmd.Env = slices.Concat(l.Host.Environ(), l.environ())
	cmd.Dir = l.Dir
	opts := Options{ActionLoop: l.Host.Family.Mode == runtimes.ActionLoop}
	switch {
	case l.Collect:
		opts.Stdout, opts.Stderr = writer(l.Stdout), writer(l.Stderr)
	default:
		cmd.Stdout, cmd.Stderr = writer(l.Stdout), writer(l.Stderr)
	}
	return Start(cmd, opts)
}

// writer is nil where there is no file.
func writer(f *os.File) io.Writer {
	if f == nil {
		return nil
	}
	return f
}

// environ adds the modules that come with the Node.js launcher, unless the image has its own.
func (l Local) environ() []string {
	hasPath := func(entry string) bool { return strings.HasPrefix(entry, "NODE_PATH=") }
	if l.Host.Family.Name != "nodejs" || slices.ContainsFunc(l.Environ, hasPath) {
		return l.Environ
	}
	return append(slices.Clip(l.Environ), "NODE_PATH="+filepath.Join(l.Launchers, "nodejs", "node_modules"))
}

// compilerCache is the one that the image brings, which may have the standard library compiled.
func (l Local) compilerCache() []string {
	i := slices.IndexFunc(l.Environ, func(entry string) bool { return strings.HasPrefix(entry, "GOCACHE=") })
	if i < 0 {
		return nil
	}
	return l.Environ[i : i+1]
}

// maxCompilerOutput bounds what of a compiler's output becomes the answer, in bytes.
const maxCompilerOutput = 64 << 10

// Build compiles source into bin/exec. What the compiler has against the source is a
// *protocol.Failure. OpenWhisk 3.6.5.
func (l Local) Build(ctx context.Context, main, source, bin string) error {
	if !l.Host.Usable() {
		return &protocol.Failure{Status: http.StatusBadGateway, Message: "cannot compile the action: " + l.Host.String()}
	}
	spec, err := l.Host.Compile(main, source, bin, filepath.Join(l.Dir, "cache"))
	if err != nil {
		return &protocol.Failure{Status: http.StatusBadGateway, Message: err.Error()}
	}
	cmd := exec.CommandContext(ctx, spec.Path, spec.Args...)
	cmd.Dir = spec.Dir
	cmd.Env = slices.Concat(l.Environ, spec.Env, l.compilerCache())
	out, err := cmd.CombinedOutput()
	var status *exec.ExitError
	if errors.As(err, &status) && ctx.Err() == nil {
		out = bytes.ReplaceAll(out, []byte(source+"/"), nil)
		text := strings.ToValidUTF8(string(out[:min(len(out), maxCompilerOutput)]), "\ufffd")
		return &protocol.Failure{Status: http.StatusBadGateway, Message: strings.TrimSpace(text)}
	}
	if err != nil {
		return fmt.Errorf("compile the action: %w", err)
	}
	return nil
}
