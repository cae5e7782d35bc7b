package imagebuild

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"unicode/utf8"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/runtimes"
)

// jarFile is where the classes of Java source are, in an image.
const jarFile = codeDir + "/action.jar"

// isSource says whether the action's code is still to be compiled.
func (s *source) isSource(f runtimes.Family) bool {
	switch {
	case f.Compiled:
		return !s.has("exec") && (s.dir != "" || utf8.Valid(s.content))
	case f.Name == "java" || f.Name == "dotnet":
		names := s.names()
		is := func(extension string) bool {
			return slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(path.Ext(name), extension) })
		}
		return (is(".java") || is(".cs")) && !is(".jar") && !is(".dll")
	}
	return false
}

// compiled builds source with the compiler of this host, for the platform of the image.
func (b *Builder) compiled(ctx context.Context, s *source, spec ActionSpec, p v1.Platform, doc *actionproxy.Action) ([]entry, error) {
	host, err := b.compiler(ctx, spec.Kind)
	if err != nil {
		return nil, uncompiled(s, err.Error(), err)
	}
	if why := b.forbidden(host.Family, s, spec); why != "" {
		return nil, uncompiled(s, why, nil)
	}
	if f := host.Family; f.Compiled && f.Name != "go" && p.Architecture != runtime.GOARCH {
		return nil, uncompiled(s, fmt.Sprintf("%s is compiled for this machine's %s alone, not for %s: name it with --platform, or build in the cluster with --tekton.",
			f.Name, runtime.GOARCH, p), nil)
	}
	if s.dir == "" && host.Family.SourceFile != "" {
		s = &source{given: s.given, file: host.Family.SourceFile, content: s.content}
	}
	src, err := b.copyTree(s)
	if err != nil {
		return nil, err
	}
	out, err := b.workDir("bin")
	if err != nil {
		return nil, err
	}
	build, err := b.command(ctx, host, spec.Main, src, out)
	if err != nil {
		return nil, uncompiled(s, err.Error(), err)
	}
	b.say("compiling for %s", p)
	if err := b.compile(ctx, s, build, src, p); err != nil {
		return nil, err
	}
	return collect(host.Family, out, doc)
}

// forbidden is why the source is not given to the compiler; empty if it is.
func (b *Builder) forbidden(f runtimes.Family, s *source, spec ActionSpec) string {
	switch {
	case f.Name != "go" && !b.Own:
		return "Source of " + f.Name + " is not compiled here: give what a compiler made of it."
	case f.Name == "rust" && s.dir != "" && !spec.Scripts && !runtimes.PlainCrate(s.dir):
		return "cargo would run what its packages, build.rs or .cargo say: --scripts allows that."
	}
	return ""
}

// command is what compiles source into out.
func (b *Builder) command(ctx context.Context, host runtimes.Host, main, src, out string) (runtimes.Command, error) {
	if !host.Family.Compiled {
		return host.CompileLibrary(main, src, out)
	}
	host, err := host.Precompile(ctx, filepath.Join(b.Work, "compilers"))
	if err != nil {
		return runtimes.Command{}, err
	}
	return host.Compile(main, src, out, "")
}

// compiler is what this host has for a kind; an older one never is.
func (b *Builder) compiler(ctx context.Context, kind string) (runtimes.Host, error) {
	f, _ := runtimes.FamilyOf(kind)
	if f.Name == "go" { // any version does, as go.mod says which language it is
		program, err := b.lookPath("go")
		if err != nil {
			return runtimes.Host{}, fmt.Errorf("%w: install Go, or build in the cluster with --tekton", err)
		}
		return runtimes.Host{Kind: kind, Family: f, Path: program}, nil
	}
	hosts, err := runtimes.DiscoverOwn(ctx, runtimes.Search(b.variable("PATH"), b.variable("HOME")), kind)
	if err != nil {
		return runtimes.Host{}, err
	}
	for _, h := range hosts {
		switch {
		case h.Kind == kind && h.Usable():
			return h, nil
		case h.Kind == kind:
			return runtimes.Host{}, fmt.Errorf("%s: %s, or build in the cluster with --tekton", h.Missing, h.Hint)
		}
	}
	return runtimes.Host{}, fmt.Errorf("no compiler for %s is on this machine: build in the cluster with --tekton", kind)
}

// variable is one of the environment for other programs.
func (b *Builder) variable(name string) string {
	for _, e := range slices.Backward(b.Environ) {
		if value, ok := strings.CutPrefix(e, name+"="); ok {
			return value
		}
	}
	return ""
}

// compile runs a compiler. What it writes of this machine's folders is left out of the program.
func (b *Builder) compile(ctx context.Context, s *source, build runtimes.Command, src string, p v1.Platform) error {
	cmd := exec.CommandContext(ctx, build.Path, build.Args...)
	cmd.Dir = build.Dir
	settings := slices.Clone(build.Env)
	if filepath.Base(build.Path) == "go" {
		settings = slices.DeleteFunc(settings, func(e string) bool { // the caches are those of whoever builds
			return strings.HasPrefix(e, "HOME=") || strings.HasPrefix(e, "GOPATH=") || strings.HasPrefix(e, "GOCACHE=")
		})
		settings = append(settings, "GOOS="+p.OS, "GOARCH="+p.Architecture, "GOAMD64=v1", "GOEXPERIMENT=")
	}
	for i, e := range settings {
		if strings.HasPrefix(e, "RUSTFLAGS=") {
			settings[i] += " --remap-path-prefix=" + src + "=/action --remap-path-prefix=" + b.Work + "=/build"
		}
	}
	cmd.Env = slices.Concat(b.Environ, settings)
	text, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		said := strings.TrimSpace(strings.ReplaceAll(string(text), src+string(os.PathSeparator), ""))
		return uncompiled(s, filepath.Base(build.Path)+": "+said, err)
	}
	return nil
}

// collect takes what the compiler has written.
func collect(f runtimes.Family, out string, doc *actionproxy.Action) ([]entry, error) {
	switch f.Name {
	case "java":
		doc.Code, doc.Binary = jarFile, true
		jar := filepath.Join(out, "..", filepath.Base(out)+".jar")
		if err := writeJar(jar, out); err != nil {
			return nil, fmt.Errorf("make a jar: %w", err)
		}
		e, err := fileEntry(jarFile[1:], jar, false)
		return []entry{e}, err
	case "dotnet":
		return treeEntries(out, codeDir[1:], func(name string) bool { return path.Ext(name) != ".dll" })
	}
	e, err := fileEntry(path.Join(codeDir[1:], "exec"), filepath.Join(out, "exec"), true)
	return []entry{e}, err
}

// writeJar makes an archive whose bytes depend on the files alone: it is compressed with its layer.
func writeJar(to, dir string) error {
	files, err := treeEntries(dir, "", nil)
	if err != nil {
		return err
	}
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	defer f.Close()
	jar := zip.NewWriter(f)
	for _, e := range files {
		if e.mode.IsDir() {
			continue
		}
		if err := addToJar(jar, e); err != nil {
			return err
		}
	}
	return jar.Close()
}

func addToJar(jar *zip.Writer, e entry) error {
	content, err := e.open()
	if err != nil {
		return err
	}
	defer content.Close()
	w, err := jar.CreateHeader(&zip.FileHeader{Name: e.name, Method: zip.Store})
	if err != nil {
		return err
	}
	_, err = io.Copy(w, content)
	return err
}

func uncompiled(s *source, why string, cause error) error {
	return fault.New(fault.CompileFailed, oneLine(why), map[string]string{"source": s.given}, cause)
}
