package runtimes

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// requireRust finds the linker, with links resolved: a sandbox does not show where they lead through.
func requireRust(h *Host) (missing, hint string) {
	if !has(filepath.Dir(h.Path), "rustc") {
		return h.Path + " has no rustc beside it", "install rustc"
	}
	for _, linker := range []string{"/usr/bin/cc", "/usr/bin/gcc", "/usr/bin/clang"} {
		if real, err := filepath.EvalSymlinks(linker); err == nil {
			h.linker = real
			return "", ""
		}
	}
	return "rustc needs a linker and there is no cc", "install gcc"
}

var dotnetRuntime = regexp.MustCompile(`(?m)^Microsoft\.NETCore\.App ((\d+\.\d+)\S*) \[(.*)\]`)

// readDotnet takes the newest of the runtimes that one installation has. The program that was asked
// may be a script beside it.
func readDotnet(file, output string) (found, error) {
	newest := found{path: file}
	for _, m := range dotnetRuntime.FindAllStringSubmatch(output, -1) {
		if newest.full == "" || compareVersions(m[1], newest.full) > 0 {
			newest.full, newest.version, newest.root = m[1], m[2], filepath.Dir(filepath.Dir(m[3]))
		}
	}
	if newest.full == "" {
		return found{}, errNoVersion
	}
	newest.prefixes = []string{"/usr"}
	for _, dir := range []string{filepath.Dir(file), newest.root} {
		if !slices.ContainsFunc(newest.prefixes, func(p string) bool { return within(dir, p) }) {
			newest.prefixes = append(newest.prefixes, dir)
		}
	}
	return newest, nil
}

// requireDotnet finds the compiler of the newest SDK beside the runtime, and its Newtonsoft.Json for
// actions that do not bring their own.
func requireDotnet(h *Host) (missing, hint string) {
	root := h.root
	h.references = filepath.Join(root, "shared", "Microsoft.NETCore.App", h.Version)
	compilers, err := filepath.Glob(filepath.Join(root, "sdk", "*", "Roslyn", "bincore", "csc.dll"))
	if err != nil || len(compilers) == 0 {
		return "the .NET launcher has to be compiled and " + root + " has no SDK", "install the .NET SDK"
	}
	newest := compilers[0]
	for _, c := range compilers[1:] {
		if compareVersions(sdkVersion(c), sdkVersion(newest)) > 0 {
			newest = c
		}
	}
	h.compiler = newest
	json := filepath.Join(filepath.Dir(newest), "..", "..", "Newtonsoft.Json.dll")
	if _, err := os.Stat(json); err == nil {
		h.ClassPath = []string{filepath.Clean(json)}
	}
	return "", ""
}

// sdkVersion is the folder's name in sdk/VERSION/Roslyn/bincore/csc.dll.
func sdkVersion(compiler string) string {
	parts := strings.Split(compiler, string(filepath.Separator))
	return parts[len(parts)-4]
}
