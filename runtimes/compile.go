package runtimes

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Command is a process to run: in a sandbox, where the source is a user's.
type Command struct {
	Path string
	Args []string // without Path
	Env  []string
	Dir  string
}

// ErrNotCompiled is returned for a family whose source is run as it is.
var ErrNotCompiled = errors.New("the family has no compiler")

// Compile prepares source in the directory src so that the returned command builds an ActionLoop
// program as bin/exec. A program built so acknowledges its start when __OW_WAIT_FOR_ACK is set.
// cache is a directory that builds of one namespace may share; a compiler that runs what a user
// wrote does not use it. OpenWhisk 3.8.3, 3.8.4.
func (h Host) Compile(main, src, bin, cache string) (Command, error) {
	switch h.Family.Name {
	case "go":
		return h.compileGo(main, src, bin, cache)
	case "rust":
		return h.compileRust(main, src, bin)
	case "swift":
		return h.compileSwift(main, src, bin)
	}
	return Command{}, fmt.Errorf("compile %s: %w", h.Kind, ErrNotCompiled)
}

func writeFile(dir, name string, content []byte) error {
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
		return fmt.Errorf("prepare source: %w", err)
	}
	return nil
}

func makeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("prepare source: %w", err)
	}
	return nil
}

// has says whether the folder has the file.
func has(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return err == nil
}
