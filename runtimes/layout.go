package runtimes

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
)

// LayOut is WriteLaunchers for the families of the hosts, and Precompile for every host.
func LayOut(ctx context.Context, dir string, hosts []Host) ([]Host, error) {
	for _, h := range hosts {
		if err := writeTree(dir, h.Family.Name); err != nil {
			return nil, err
		}
	}
	out := make([]Host, 0, len(hosts))
	for _, h := range hosts {
		ready, err := h.Precompile(ctx, dir)
		if err != nil {
			return nil, err
		}
		out = append(out, ready)
	}
	return out, nil
}

// Precompile compiles the launcher of h if it needs that or starts faster so, into dir, where
// WriteLaunchers put it. The host that it returns knows of it: its Argv is for this directory. What
// an earlier call left there is used again.
func (h Host) Precompile(ctx context.Context, dir string) (_ Host, err error) {
	if !h.Usable() {
		return h, nil
	}
	switch h.Family.Name {
	case "java":
		h.classes, err = compileLauncher(ctx, dir, h)
	case "dotnet":
		h.classes, err = compileDotnet(ctx, dir, h)
	case "rust":
		if h.crates, err = crates().layOut(dir); h.crates != "" {
			h.Prefixes = append(slices.Clip(h.Prefixes), h.crates)
		}
	}
	return h, err
}

// WriteLaunchers writes the launchers and what they need into dir, readable by every user. No
// launcher of that folder may run meanwhile. What Rust needs is left to Precompile.
func WriteLaunchers(dir string) error { return writeTree(dir, ".") }

// WritePortable writes the launcher of one family, with all that it needs, into dir: for an image,
// whose processes may write nothing there. It writes nothing, and returns false, where nothing can be
// prepared so: the launcher is compiled by the interpreter's own compiler, or is this program.
func WritePortable(dir string, f Family) (bool, error) {
	switch f.Name {
	case "nodejs", "python", "php", "ruby":
		return true, writeTree(dir, f.Name)
	case "rust":
		folder, err := crates().layOut(dir)
		return folder != "", err
	}
	return false, nil
}

// HasLauncher says whether dir has the launcher of the family and what it needs, so that Precompile
// has nothing to write but what is compiled.
func HasLauncher(dir string, f Family) bool {
	switch {
	case f.Name == "rust":
		return has(dir, crates().folder)
	case f.Mode == Interpreted:
		return has(dir, f.Launcher)
	}
	return true
}

// writeTree writes a folder of FS into dir, and the modules of Node.js.
func writeTree(dir, root string) error {
	err := fs.WalkDir(FS, root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(dir, filepath.FromSlash(name))
		if d.IsDir() {
			if err := os.MkdirAll(to, 0o755); err != nil {
				return fmt.Errorf("lay out launchers: %w", err)
			}
			return nil
		}
		if bundled(name) {
			return nil
		}
		content, err := FS.ReadFile(name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(to, content, 0o644); err != nil {
			return fmt.Errorf("lay out launchers: %w", err)
		}
		return nil
	})
	if err != nil || root != "." && root != "nodejs" {
		return err
	}
	_, err = modules().layOut(dir)
	return err
}

// compileLauncher compiles the Java launcher for one JDK, unless that was done before, and returns
// the folder of its classes below dir.
func compileLauncher(ctx context.Context, dir string, h Host) (string, error) {
	source, err := FS.ReadFile(h.Family.Launcher)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append(source, h.Version...))
	classes := path.Join("java", fmt.Sprintf("classes-%x", sum[:6]))
	if _, err := os.Stat(filepath.Join(dir, classes, "Launcher.class")); !errors.Is(err, fs.ErrNotExist) {
		return classes, err
	}
	javac := filepath.Join(filepath.Dir(h.Path), "javac")
	cmd := exec.CommandContext(ctx, javac, "-encoding", "UTF-8", "-nowarn", "-cp", join(h.ClassPath),
		"-d", filepath.Join(dir, classes), filepath.Join(dir, h.Family.Launcher))
	if err := os.MkdirAll(filepath.Join(dir, classes), 0o755); err != nil {
		return "", fmt.Errorf("compile the Java launcher: %w", err)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("compile the Java launcher with %s: %w: %s", javac, err, out)
	}
	return classes, nil
}
