package runtimes

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// launcherCrate is a folder beside the user's files, with the crate that calls the action's.
const launcherCrate = ".launcher"

// rustManifest is that of a crate, up to its own dependencies; serde's macros take longer to compile
// than everything else together, so a crate names them where it uses them.
const rustManifest = `[package]
name = %q
version = "0.1.0"
edition = "2018"

[workspace]

[dependencies]
serde = "1"
serde_json = "1"
`

// rustMacros is for source that derives what serde needs.
const rustMacros = "serde_derive = \"1\"\n"

// compileRust puts a crate with the launcher beside the user's, which it depends on. A user's build
// scripts and macros run in the compiler, so nothing is shared between builds.
func (h Host) compileRust(main, src, bin string) (Command, error) {
	entry := cmp.Or(main, "main")
	if !isIdentifier(entry) {
		return Command{}, fmt.Errorf("entry point %q is no Rust identifier", main)
	}
	manifest, err := actionManifest(src)
	if err != nil {
		return Command{}, err
	}
	crate := readCrate(manifest)
	dir := filepath.Join(src, launcherCrate)
	if err := writeLauncherCrate(dir, entry, crate.name); err != nil {
		return Command{}, err
	}
	if h.crates != "" && crate.isPlain() && !has(src, ".cargo") {
		config := fmt.Sprintf("[source.crates-io]\nreplace-with = \"here\"\n\n[source.here]\ndirectory = %q\n\n[net]\noffline = true\n", h.crates)
		if err := writeFile(filepath.Join(dir, ".cargo"), "config.toml", []byte(config)); err != nil {
			return Command{}, err
		}
	}
	return Command{
		Path: h.Path,
		Args: []string{"rustc", "--release", "--quiet", "--color=never", "--", "-C", "strip=symbols", "-C", "extra-filename=", "-o", filepath.Join(bin, "exec")},
		Env: append(h.Environ(), "HOME="+dir, "CARGO_HOME="+filepath.Join(dir, "home"), "CARGO_TARGET_DIR="+filepath.Join(dir, "target"),
			"RUSTC="+filepath.Join(filepath.Dir(h.Path), "rustc"), "RUSTFLAGS=-C linker="+h.linker),
		Dir: dir,
	}, nil
}

// actionManifest reads the action's Cargo.toml, and writes one for source that comes without.
func actionManifest(src string) (string, error) {
	file := filepath.Join(src, "Cargo.toml")
	text, err := os.ReadFile(file)
	if err == nil {
		return string(text), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read Cargo.toml: %w", err)
	}
	source, err := os.ReadFile(filepath.Join(src, "src", "lib.rs"))
	if err != nil {
		return "", fmt.Errorf("read the entry file: %w", err)
	}
	manifest := fmt.Sprintf(rustManifest, "actions")
	if bytes.Contains(source, []byte("serde_derive")) || bytes.Contains(source, []byte("derive(")) {
		manifest = strings.Replace(manifest, `serde = "1"`, `serde = { version = "1", features = ["derive"] }`, 1) + rustMacros
	}
	return manifest, writeFile(src, "Cargo.toml", []byte(manifest))
}

// writeLauncherCrate makes the crate in dir, writable for the compiler, whichever user it is.
func writeLauncherCrate(dir, entry, action string) error {
	source, err := FS.ReadFile("rust/main.rs")
	if err != nil {
		return err
	}
	// As the action is below the crate by a link, no path of this machine becomes part of the program.
	manifest := fmt.Sprintf(rustManifest+"action = { path = \"action\", package = %q }\n", "launcher", action)
	manifest = strings.Replace(manifest, "[workspace]\n", "[workspace]\nexclude = [\"action\"]\n", 1)
	if err := makeDir(filepath.Join(dir, ".cargo")); err != nil {
		return err
	}
	if err := os.Symlink("..", filepath.Join(dir, "action")); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("prepare source: %w", err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		return fmt.Errorf("prepare source: %w", err)
	}
	if err := writeFile(dir, "Cargo.toml", []byte(manifest)); err != nil {
		return err
	}
	if err := makeDir(filepath.Join(dir, "src")); err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, "src"), "main.rs", bytes.ReplaceAll(source, []byte("ENTRYPOINT"), []byte(entry)))
}

// crate is what matters of a Cargo.toml.
type crate struct {
	name         string
	dependencies []string
}

// isPlain says that the crates which come with the launcher are enough.
func (c crate) isPlain() bool {
	return !slices.ContainsFunc(c.dependencies, func(name string) bool {
		return name != "serde" && name != "serde_derive" && name != "serde_json"
	})
}

// PlainCrate says that cargo runs nothing which the folder brings: it has no build script, no settings
// for cargo, no macros of its own, and needs no crates but those that come with the launcher.
func PlainCrate(dir string) bool {
	if has(dir, "build.rs") || has(dir, ".cargo") || has(dir, "rust-toolchain") || has(dir, "rust-toolchain.toml") {
		return false
	}
	manifest, err := os.ReadFile(filepath.Join(dir, "Cargo.toml"))
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	text := string(manifest)
	return err == nil && readCrate(text).isPlain() && !strings.Contains(text, "build") && !strings.Contains(text, "macro") &&
		!strings.Contains(text, "path") && !strings.Contains(text, "git")
}

// readCrate reads the name and the dependencies. Cargo itself says what is wrong with the rest.
func readCrate(manifest string) crate {
	c := crate{name: "actions"}
	section := ""
	for line := range strings.Lines(manifest) {
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section = strings.Trim(line, "[] ")
			if i := strings.LastIndex(section, "dependencies."); i >= 0 {
				c.dependencies = append(c.dependencies, unquoted(section[i+len("dependencies."):]))
			}
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		switch {
		case !ok:
		case section == "package" && unquoted(key) == "name":
			c.name = unquoted(value)
		case strings.HasSuffix(section, "dependencies"):
			name, _, _ := strings.Cut(unquoted(key), ".")
			c.dependencies = append(c.dependencies, name)
		}
	}
	return c
}

func unquoted(text string) string { return strings.Trim(text, " \t\"'") }
