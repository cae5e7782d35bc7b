package runtimes

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
)

const swiftMain = "main.swift"

// compileSwift appends the launcher to the user's main file: only there is top-level code allowed,
// and the lines that the compiler names stay the user's. A package's own sources are compiled with
// it; the packages that it depends on are not fetched.
func (h Host) compileSwift(main, src, bin string) (Command, error) {
	entry := cmp.Or(main, "main")
	if !isIdentifier(entry) {
		return Command{}, fmt.Errorf("entry point %q is no Swift identifier", main)
	}
	launcher, err := FS.ReadFile("swift/launcher.swift")
	if err != nil {
		return Command{}, err
	}
	file := swiftMain
	if packaged := filepath.Join("Sources", "Action", swiftMain); has(src, packaged) {
		file = packaged
	}
	source, err := os.ReadFile(filepath.Join(src, file))
	if err != nil {
		return Command{}, fmt.Errorf("read the entry file: %w", err)
	}
	source = append(append(source, '\n'), bytes.ReplaceAll(launcher, []byte("ENTRYPOINT"), []byte(entry))...)
	if err := writeFile(src, file, source); err != nil {
		return Command{}, err
	}
	return Command{
		Path: h.Path, Args: h.swiftArgs(src, bin), Dir: src,
		Env: append(h.Environ(), "HOME="+bin, "CLANG_MODULE_CACHE_PATH="+filepath.Join(bin, ".cache")),
	}, nil
}

// swiftArgs compiles every file of the folder into one program.
func (h Host) swiftArgs(src, bin string) []string {
	args := []string{"-O", "-module-name", "Action", "-o", filepath.Join(bin, "exec")}
	files, err := filepath.Glob(filepath.Join(src, "*.swift"))
	if err != nil || has(src, "Package.swift") {
		files = nil
	}
	for _, pattern := range []string{"Sources/*.swift", "Sources/*/*.swift"} {
		if more, err := filepath.Glob(filepath.Join(src, pattern)); err == nil {
			files = append(files, more...)
		}
	}
	return append(args, files...)
}
