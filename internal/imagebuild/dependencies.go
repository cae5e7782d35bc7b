package imagebuild

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/gowhisk/gowhisk/internal/fault"
)

// installation is how the dependencies of a source become a layer.
type installation struct {
	tool string
	lock []byte // what decides the result; nil when only the day does, and nothing may be kept
	run  func(ctx context.Context) ([]entry, error)
}

// dependencies makes the layer of what the source names in package.json or requirements.txt, nil if
// there is nothing to install. It is kept under the hash of the lock.
func (b *Builder) dependencies(ctx context.Context, s *source, spec ActionSpec, p v1.Platform) (*layer, error) {
	var todo *installation
	var err error
	switch family(spec.Kind) {
	case "nodejs":
		todo, err = b.npm(s, spec, p)
	case "python":
		todo, err = b.pip(s, spec, p)
	}
	if err != nil || todo == nil {
		return nil, err
	}
	key := ""
	if todo.lock != nil {
		sum := sha256.New()
		fmt.Fprintf(sum, "1\x00%s\x00%s\x00%s\x00%t\x00", todo.tool, spec.Kind, p, spec.Scripts)
		sum.Write(todo.lock)
		key = hex.EncodeToString(sum.Sum(nil))
		if kept, err := b.cache().layer(key); kept != nil || err != nil {
			return kept, err
		}
	} else {
		b.say("the versions of dependencies are not locked: another day may build another image")
	}
	b.say("installing dependencies with %s", todo.tool)
	entries, err := todo.run(ctx)
	if err != nil {
		return nil, err
	}
	l, err := newLayer(b.Work, entries)
	if err != nil || key == "" {
		return l, err
	}
	return l, b.cache().keepLayer(key, l)
}

// npm installs what package.json names; a source that brings node_modules in an archive is whole.
func (b *Builder) npm(s *source, spec ActionSpec, p v1.Platform) (*installation, error) {
	if !s.has("package.json") || s.archive && s.has("node_modules") {
		return nil, nil
	}
	text, err := os.ReadFile(filepath.Join(s.dir, "package.json"))
	if err != nil {
		return nil, fmt.Errorf("read package.json: %w", err)
	}
	var manifest struct {
		Dependencies, OptionalDependencies map[string]string
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		return nil, refusedSource(s.given, "Its package.json can not be read: "+oneLine(err.Error()), err)
	}
	if len(manifest.Dependencies)+len(manifest.OptionalDependencies) == 0 {
		return nil, nil
	}
	cpu := p.Architecture
	if cpu == "amd64" {
		cpu = "x64"
	}
	args := []string{"install", "--omit=dev", "--no-fund", "--no-audit", "--no-save", "--loglevel=error", "--os=linux", "--cpu=" + cpu}
	if !spec.Scripts {
		args = append(args, "--ignore-scripts")
	}
	todo := &installation{tool: "npm"}
	for _, name := range []string{"package-lock.json", "npm-shrinkwrap.json"} {
		lock, err := os.ReadFile(filepath.Join(s.dir, name))
		if err != nil {
			continue
		}
		args[0] = "ci"
		if !bytes.Contains(lock, []byte(`"file:`)) && !bytes.Contains(lock, []byte(`"link":`)) {
			todo.lock = slices.Concat(text, []byte{0}, lock)
		}
		break
	}
	todo.run = func(ctx context.Context) ([]entry, error) {
		dir, err := b.copyTree(s)
		if err != nil {
			return nil, err
		}
		if err := b.install(ctx, s, dir, "npm", args...); err != nil {
			return nil, err
		}
		return under(dir, "node_modules", codeDir[1:], nil)
	}
	return todo, nil
}

// pinned is a line of requirements.txt that leaves nothing open.
var pinned = regexp.MustCompile(`^[A-Za-z0-9._,\[\]-]+\s*==\s*[^\s;*]+(\s*;[^#]*)?(\s+--hash=\S+)*$`)

// pip installs what requirements.txt names as wheels for the platform of the image.
func (b *Builder) pip(s *source, spec ActionSpec, p v1.Platform) (*installation, error) {
	if !s.has("requirements.txt") || s.has("virtualenv") {
		return nil, nil
	}
	text, err := os.ReadFile(filepath.Join(s.dir, "requirements.txt"))
	if err != nil {
		return nil, fmt.Errorf("read requirements.txt: %w", err)
	}
	lines, locked := 0, true
	for line := range strings.Lines(strings.ReplaceAll(string(text), "\\\n", " ")) {
		line, _, _ = strings.Cut(line, " #")
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		lines++
		locked = locked && pinned.MatchString(line)
	}
	if lines == 0 {
		return nil, nil
	}
	_, version, _ := strings.Cut(spec.Kind, ":")
	args := []string{"-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-compile", "--quiet", "--requirement", "requirements.txt"}
	if !spec.Scripts {
		machine := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[p.Architecture]
		args = append(args, "--only-binary=:all:", "--implementation=cp", "--python-version="+version)
		for _, abi := range []string{"manylinux_2_28_", "manylinux_2_17_", "manylinux2014_"} {
			args = append(args, "--platform="+abi+machine)
		}
	}
	todo := &installation{tool: "pip"}
	if locked {
		todo.lock = text
	}
	todo.run = func(ctx context.Context) ([]entry, error) {
		dir, err := b.copyTree(s)
		if err != nil {
			return nil, err
		}
		site := filepath.Join(dir, ".whisk", "site-packages")
		if err := b.install(ctx, s, dir, "python3", append(args, "--target="+site)...); err != nil {
			return nil, err
		}
		return under(dir, ".whisk", "", reproducible)
	}
	return todo, nil
}

// reproducible leaves out what pip writes of this host: programs with the path of its interpreter,
// compiled files, and where a package came from.
func reproducible(name string) bool {
	return name == ".whisk/site-packages/bin" || path.Base(name) == "__pycache__" || path.Base(name) == "direct_url.json"
}

// install runs a tool of this host in dir.
func (b *Builder) install(ctx context.Context, s *source, dir, tool string, args ...string) error {
	failed := func(why string, err error) error {
		return fault.New(fault.InstallFailed, oneLine(why), map[string]string{"source": s.given}, err)
	}
	program, err := b.lookPath(tool)
	if err != nil {
		return failed(err.Error(), err)
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = dir, b.Environ
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		text := strings.TrimSpace(strings.ReplaceAll(string(out), dir, "."))
		return failed(fmt.Sprintf("%s: %v: %s", tool, err, text[max(0, len(text)-400):]), err)
	}
	return nil
}

// lookPath finds a program by the PATH of Environ.
func (b *Builder) lookPath(program string) (string, error) {
	for _, e := range slices.Backward(b.Environ) {
		list, ok := strings.CutPrefix(e, "PATH=")
		if !ok {
			continue
		}
		for _, dir := range filepath.SplitList(list) {
			file := filepath.Join(dir, program)
			if info, err := os.Stat(file); err == nil && filepath.IsAbs(file) && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0 {
				return file, nil
			}
		}
		break
	}
	return "", fmt.Errorf("%s is not on this machine: %w", program, exec.ErrNotFound)
}

// under returns the files of one subfolder of dir, as files below to.
func under(dir, folder, to string, skip func(string) bool) ([]entry, error) {
	if _, err := os.Stat(filepath.Join(dir, folder)); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	entries, err := treeEntries(dir, to, func(name string) bool {
		return name != folder && !strings.HasPrefix(name, folder+"/") || skip != nil && skip(name)
	})
	if err != nil {
		return nil, err
	}
	for i, e := range entries {
		if path.Base(e.name) == "RECORD" && strings.HasSuffix(path.Dir(e.name), ".dist-info") {
			if entries[i], err = sortedRecord(e); err != nil {
				return nil, err
			}
		}
	}
	return entries, nil
}

// sortedRecord is pip's list of a package's files without those that reproducible leaves out.
func sortedRecord(e entry) (entry, error) {
	content, err := e.open()
	if err != nil {
		return entry{}, err
	}
	text, err := io.ReadAll(content)
	if err = errors.Join(err, content.Close()); err != nil {
		return entry{}, err
	}
	lines := slices.Sorted(strings.Lines(string(text)))
	lines = slices.DeleteFunc(lines, func(line string) bool {
		return strings.Contains(line, "direct_url.json,") || strings.HasPrefix(line, "../../bin/") || strings.Contains(line, "__pycache__/")
	})
	return contentEntry(e.name, []byte(strings.Join(lines, "")), false), nil
}
