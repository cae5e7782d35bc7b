package runtimes

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"
)

// wrapperFile sorts and reads apart from a user's files.
const wrapperFile = "main__.go"

// compileGo adds the wrapper to the user's package.
func (h Host) compileGo(main, src, bin, cache string) (Command, error) {
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
	if !has(src, "go.mod") {
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

// goEntry is the exported identifier of an entry point: its first letter is always upper case.
func goEntry(main string) (string, error) {
	if main == "" {
		main = "main"
	}
	first, size := utf8.DecodeRuneInString(main)
	entry := string(unicode.ToUpper(first)) + main[size:]
	if !isIdentifier(entry) {
		return "", fmt.Errorf("entry point %q is no Go identifier", main)
	}
	return entry, nil
}

// isIdentifier says whether text is a name in the languages that are compiled.
func isIdentifier(text string) bool {
	for i, r := range text {
		if !unicode.IsLetter(r) && r != '_' && (i == 0 || !unicode.IsDigit(r)) {
			return false
		}
	}
	return text != ""
}
