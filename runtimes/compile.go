package runtimes

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Command is a process to run: in a sandbox, where the source is a user's.
type Command struct {
	Path string
	Args []string // without Path
	Env  []string
	Dir  string
}

// wrapperFile sorts and reads apart from a user's files.
const wrapperFile = "main__.go"

// ErrNotCompiled is returned for a family whose source is run as it is.
var ErrNotCompiled = errors.New("the family has no compiler")

// Compile prepares source in the directory src so that the returned command builds an ActionLoop
// program as bin/exec. A program built so acknowledges its start when __OW_WAIT_FOR_ACK is set.
// cache is a directory that builds of one namespace may share. OpenWhisk 3.8.3.
func (h Host) Compile(main, src, bin, cache string) (Command, error) {
	if h.Family.Name != "go" {
		return Command{}, fmt.Errorf("compile %s: %w", h.Kind, ErrNotCompiled)
	}
	wrapper, err := FS.ReadFile("go/wrapper.go.txt")
	if err != nil {
		return Command{}, err
	}
	entry, err := goEntry(main)
	if err != nil {
		return Command{}, err
	}
	wrapper = bytes.ReplaceAll(wrapper, []byte("ENTRYPOINT"), []byte(entry))
	if err := writeFile(src, wrapperFile, wrapper); err != nil {
		return Command{}, err
	}
	if _, err := os.Stat(filepath.Join(src, "go.mod")); errors.Is(err, os.ErrNotExist) {
		_, version, _ := strings.Cut(h.Kind, ":")
		if err := writeFile(src, "go.mod", []byte("module action\n\ngo "+version+"\n")); err != nil {
			return Command{}, err
		}
	}
	return Command{
		Path: h.Path,
		Args: []string{"build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", filepath.Join(bin, "exec"), "."},
		Env: append(h.Environ(), "CGO_ENABLED=0", "GO111MODULE=on", "GOFLAGS=-mod=mod", "GOWORK=off",
			"HOME="+cache, "GOPATH="+filepath.Join(cache, "path"), "GOCACHE="+filepath.Join(cache, "build")),
		Dir: src,
	}, nil
}

func writeFile(dir, name string, content []byte) error {
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
		return fmt.Errorf("prepare source: %w", err)
	}
	return nil
}

// goEntry is the exported identifier of an entry point: its first letter is always upper case.
func goEntry(main string) (string, error) {
	if main == "" {
		main = "main"
	}
	first, size := utf8.DecodeRuneInString(main)
	entry := string(unicode.ToUpper(first)) + main[size:]
	for i, r := range entry {
		if !unicode.IsLetter(r) && r != '_' && (i == 0 || !unicode.IsDigit(r)) {
			return "", fmt.Errorf("entry point %q is no Go identifier", main)
		}
	}
	return entry, nil
}
