package runtimes

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// sourceExtensions are those of families whose actions are uploaded compiled: gowhisk's own build
// compiles them, no runtime does.
func sourceExtensions() map[string]string { return map[string]string{".java": "java", ".cs": "dotnet"} }

// FamilyOfSource is FamilyOfFile, and knows source that only a build compiles.
func FamilyOfSource(name string) (Family, bool) {
	if f, ok := FamilyOfFile(name); ok {
		return f, true
	}
	return FamilyOf(sourceExtensions()[strings.ToLower(filepath.Ext(name))])
}

// CompileLibrary returns the command that makes of the source in src what an action of the family is
// uploaded as: of Java the classes, in out; of .NET the assembly that main names, as a file of out.
// It is ErrNotCompiled for every other family.
func (h Host) CompileLibrary(main, src, out string) (Command, error) {
	var extension string
	switch h.Family.Name {
	case "java":
		extension = ".java"
	case "dotnet":
		extension = ".cs"
	default:
		return Command{}, fmt.Errorf("compile %s: %w", h.Kind, ErrNotCompiled)
	}
	files, err := filesOf(src, extension)
	if err != nil {
		return Command{}, fmt.Errorf("list the source: %w", err)
	}
	if extension == ".java" {
		return h.compileJava(src, out, files), nil
	}
	return h.compileAssembly(main, src, out, files)
}

func (h Host) compileJava(src, out string, files []string) Command {
	args := []string{"-encoding", "UTF-8", "-nowarn", "-proc:none", "-cp", join(h.ClassPath), "-d", out}
	if _, version, _ := strings.Cut(h.Kind, ":"); compareVersions(h.Version, "9") >= 0 {
		args = append(args, "--release", version)
	}
	return Command{Path: filepath.Join(filepath.Dir(h.Path), "javac"), Args: append(args, files...), Env: h.Environ(), Dir: src}
}

func (h Host) compileAssembly(main, src, out string, files []string) (Command, error) {
	assembly, _, _ := strings.Cut(main, "::")
	if assembly == "" || filepath.Base(assembly) != assembly {
		return Command{}, fmt.Errorf("entry point %q does not name an assembly: it must be Assembly::Type::Method", main)
	}
	args, err := h.libraryArgs()
	if err != nil {
		return Command{}, err
	}
	args = append(args, "-target:library", "-deterministic", "-pathmap:"+src+"=/action", "-out:"+filepath.Join(out, assembly+".dll"))
	for _, library := range h.ClassPath {
		args = append(args, "-r:"+library)
	}
	return Command{
		Path: h.Path, Args: append(args, files...), Dir: src,
		Env: append(h.Environ(), "HOME="+out, "PATH=/usr/bin:/bin"),
	}, nil
}

// libraryArgs call the compiler of .NET with the libraries of the runtime.
func (h Host) libraryArgs() ([]string, error) {
	libraries, err := filepath.Glob(filepath.Join(h.references, "*.dll"))
	if err != nil {
		return nil, fmt.Errorf("find the libraries of .NET: %w", err)
	}
	args := []string{h.compiler, "-nologo", "-nostdlib", "-optimize"}
	for _, library := range libraries {
		if name := filepath.Base(library); strings.HasPrefix(name, "System.") || name == "mscorlib.dll" || name == "netstandard.dll" {
			args = append(args, "-r:"+library)
		}
	}
	return args, nil
}

// filesOf lists the files with the extension below dir, in order.
func filesOf(dir, extension string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.EqualFold(filepath.Ext(file), extension) {
			files = append(files, file)
		}
		return err
	})
	slices.Sort(files)
	return files, err
}
