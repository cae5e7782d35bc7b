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
		if err := writeTree(dir, h.Family.Name); err != nil && !errors.Is(err, fs.ErrNotExist) {
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
		if h.crates, err = layOutCrates(dir); h.crates != "" {
			h.Prefixes = append(slices.Clip(h.Prefixes), h.crates)
		}
	}
	return h, err
}

// WriteLaunchers writes the launchers and what they need into dir, readable by every user. No
// launcher of that folder may run meanwhile.
func WriteLaunchers(dir string) error { return writeTree(dir, ".") }

// writeTree writes a folder of FS into dir.
func writeTree(dir, root string) error {
	return fs.WalkDir(FS, root, func(name string, d fs.DirEntry, err error) error {
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
		if name == crateArchive {
			return nil // Precompile extracts it
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
