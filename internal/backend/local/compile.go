package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/gowhisk/gowhisk/internal/protocol"
	"github.com/gowhisk/gowhisk/internal/sandbox"
	"github.com/gowhisk/gowhisk/runtimes"
)

// Limits of one compilation, which runs in a sandbox of its own.
const (
	compileMemory = 3 << 30
	compileTmp    = 1 << 30
	compileOutput = 64 << 10 // bytes of the compiler's words that are kept
	// buildCacheBytes bounds at a start what compilers keep between runs.
	buildCacheBytes = 2 << 30
)

// compile builds the program of the source in src and returns its folder
// below work. What the compiler has against the source is a Failure.
func (f *Factory) compile(ctx context.Context, host runtimes.Host, main, src, work string) (string, error) {
	bin, cache := filepath.Join(work, "bin"), f.buildCache()
	if err := openFolders(src, bin, cache); err != nil {
		return "", err
	}
	cmd, err := host.Compile(main, src, bin, cache)
	if err != nil {
		return "", &protocol.Failure{Status: http.StatusBadGateway, Message: err.Error()}
	}
	words, exit, err := f.build(ctx, host, cmd, src, bin, cache)
	if err != nil {
		return "", fmt.Errorf("compile action: %w", err)
	}
	if exit.Code != 0 || exit.Signal != 0 {
		text := strings.TrimSpace(strings.ReplaceAll(words, src+"/", ""))
		if exit.OOMKilled {
			text = "the compiler ran out of memory"
		}
		return "", &protocol.Failure{Status: http.StatusBadGateway, Message: strings.ToValidUTF8(text, "\ufffd")}
	}
	if err := os.Chmod(bin, 0o755); err != nil {
		return "", fmt.Errorf("keep compiled action: %w", err)
	}
	return bin, nil
}

// trimBuildCache drops a compiler's cache that has grown large: it is filled
// again by what is still compiled.
func (f *Factory) trimBuildCache() error {
	dir := f.buildCache()
	size, err := treeSize(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && size > buildCacheBytes {
		err = removeTree(dir)
	}
	return err
}

func (f *Factory) buildCache() string { return filepath.Join(f.opt.Dir, "build-cache") }

// openFolders makes the folders of a build. The compiler runs as a user whose
// number is not known before, so they are open; they lie below a folder that
// only the server's user can enter.
func openFolders(src, bin, cache string) error {
	dirs := []string{src, bin, cache, filepath.Join(cache, "build"), filepath.Join(cache, "path")}
	for i := range 256 {
		dirs = append(dirs, filepath.Join(cache, "build", fmt.Sprintf("%02x", i)))
	}
	for _, dir := range dirs {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return fmt.Errorf("prepare build: %w", err)
		}
		if err := os.Chmod(dir, 0o777); err != nil {
			return fmt.Errorf("prepare build: %w", err)
		}
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
			{Source: src, Target: src, Writable: true}, {Source: bin, Target: bin, Writable: true},
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
