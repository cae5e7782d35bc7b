package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/sandbox"
	"github.com/gowhisk/gowhisk/runtimes"
)

// Limits of one compilation, which runs in a sandbox of its own.
const (
	compileMemory = 3 << 30
	compileTmp    = 1 << 30
	compileOutput = 64 << 10 // bytes of the compiler's words that are kept
)

// layOut puts the code of an action where its container sees it; source of a
// compiled family is compiled first, once per content and entry point.
func (f *Factory) layOut(ctx context.Context, c *cell, a containerpool.Assignment) (bool, error) {
	family := c.host.Family
	exec := &a.Action.Exec
	if !family.Compiled || a.Code == "" {
		return f.library.layOut(ctx, family, a, c.code())
	}
	from, err := f.library.files(ctx, family, exec.CodeID, a.Code, exec.Binary)
	if err != nil {
		return false, err
	}
	if !isExecutable(filepath.Join(from, family.CodeFile)) {
		if from, err = f.compiled(ctx, c.host, exec, from); err != nil {
			return false, err
		}
	}
	return true, cloneTree(from, c.code())
}

// isExecutable reports whether the file is a program rather than source.
func isExecutable(file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 4)
	n, err := io.ReadFull(f, head)
	return err == nil && bytes.Equal(head, []byte("\x7fELF")) || n >= 2 && string(head[:2]) == "#!"
}

// compiled returns the folder with the program built from the source in from.
func (f *Factory) compiled(ctx context.Context, host runtimes.Host, exec *entity.Exec, from string) (string, error) {
	key := strings.Join([]string{filepath.Base(from), strings.ReplaceAll(host.Kind, ":", "-"), exec.Main, "built"}, "-")
	dir := filepath.Join(f.library.dir, strings.ReplaceAll(key, "/", "_"))
	ch := f.library.group.DoChan(dir, func() (any, error) {
		if _, err := os.Stat(dir); err == nil {
			return nil, nil
		}
		return nil, f.compile(context.WithoutCancel(ctx), host, exec.Main, from, dir)
	})
	select {
	case r := <-ch:
		return dir, r.Err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// compile builds the source into dir, which appears only when it is complete.
func (f *Factory) compile(ctx context.Context, host runtimes.Host, main, from, dir string) (err error) {
	work, err := os.MkdirTemp(f.library.dir, "new-")
	if err != nil {
		return fmt.Errorf("make build directory: %w", err)
	}
	defer func() { err = errors.Join(err, removeTree(work)) }()
	src, bin, cache := filepath.Join(work, "src"), filepath.Join(work, "bin"), filepath.Join(f.opt.Dir, "build-cache")
	if err := prepareBuild(work, src, bin, cache, from); err != nil {
		return err
	}
	cmd, err := host.Compile(main, src, bin, cache)
	if err != nil {
		return refused("The action failed during initialization: " + err.Error())
	}
	words, exit, err := f.build(ctx, host, cmd, src, bin, cache)
	if err != nil {
		return fmt.Errorf("compile action: %w", err)
	}
	if exit.Code != 0 || !isExecutable(filepath.Join(bin, host.Family.CodeFile)) {
		text := strings.TrimSpace(strings.ReplaceAll(words, src+"/", ""))
		if exit.OOMKilled {
			text = "the compiler ran out of memory"
		}
		return refused("The action failed during initialization: " + text)
	}
	if err := os.Chmod(filepath.Join(bin, host.Family.CodeFile), 0o555); err != nil {
		return fmt.Errorf("keep compiled action: %w", err)
	}
	if err := os.Chmod(bin, 0o755); err != nil {
		return fmt.Errorf("keep compiled action: %w", err)
	}
	return os.Rename(bin, dir)
}

// prepareBuild makes the folders of a build. The compiler runs as a user
// whose number is not known before, so those it writes to are open; they lie
// below a folder that only the server's user can enter.
func prepareBuild(work, src, bin, cache, from string) error {
	if err := os.Chmod(work, 0o755); err != nil {
		return fmt.Errorf("prepare build: %w", err)
	}
	for _, dir := range []string{src, bin, cache, filepath.Join(cache, "build"), filepath.Join(cache, "path")} {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return fmt.Errorf("prepare build: %w", err)
		}
		if err := os.Chmod(dir, 0o777); err != nil {
			return fmt.Errorf("prepare build: %w", err)
		}
	}
	for i := range 256 {
		dir := filepath.Join(cache, "build", fmt.Sprintf("%02x", i))
		if err := os.Mkdir(dir, 0o777); err != nil {
			break // they are there from an earlier build
		}
		if err := os.Chmod(dir, 0o777); err != nil {
			return fmt.Errorf("prepare build: %w", err)
		}
	}
	if err := cloneTree(from, src); err != nil {
		return err
	}
	return nameSource(src)
}

// nameSource gives source that came as a single file a name that the
// compiler knows.
func nameSource(src string) error {
	from := filepath.Join(src, "exec")
	if _, err := os.Stat(from); err != nil {
		return nil // it came as an archive
	}
	if err := os.Rename(from, filepath.Join(src, "exec__.go")); err != nil {
		return fmt.Errorf("prepare build: %w", err)
	}
	return nil
}

// build runs the compiler and returns what it printed.
func (f *Factory) build(ctx context.Context, host runtimes.Host, cmd runtimes.Command, src, bin, cache string) (string, sandbox.Exit, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return "", sandbox.Exit{}, fmt.Errorf("open pipe: %w", err)
	}
	defer r.Close()
	spec := sandbox.Spec{
		Path: cmd.Path, Args: append([]string{cmd.Path}, cmd.Args...), Dir: cmd.Dir,
		Env:   append(cmd.Env, "PATH="+filepath.Dir(cmd.Path)+":/usr/bin:/bin", "TMPDIR=/tmp"),
		Files: [4]*os.File{nil, w, w, nil}, TmpSize: compileTmp, Hostname: "build",
		Mounts: []sandbox.Mount{
			{Source: src, Target: src}, {Source: bin, Target: bin, Writable: true},
			{Source: cache, Target: cache, Writable: true},
		},
		Limits: sandbox.Limits{Memory: compileMemory, Pids: maxPids, Files: maxFiles},
	}
	for _, prefix := range host.Prefixes {
		spec.Mounts = append(spec.Mounts, sandbox.Mount{Source: prefix, Target: prefix})
	}
	proc, err := f.opt.Sandbox.Start(ctx, spec)
	closeFiles([]*os.File{w})
	if err != nil {
		return "", sandbox.Exit{}, err
	}
	words, err := io.ReadAll(io.LimitReader(r, compileOutput))
	if err != nil {
		return "", sandbox.Exit{}, errors.Join(fmt.Errorf("read compiler: %w", err), proc.Close(ctx))
	}
	_, err = io.Copy(io.Discard, r)
	exit, werr := proc.Wait(ctx)
	return string(words), exit, errors.Join(err, werr, proc.Close(ctx))
}
