package imagebuild

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/runtimes"
)

// compiled builds source with the compiler of this host, for the platform of the image.
func (b *Builder) compiled(ctx context.Context, s *source, spec ActionSpec, p v1.Platform) ([]entry, error) {
	failed := func(why string, err error) error {
		return fault.New(fault.InstallFailed, oneLine(why), map[string]string{"source": s.given}, err)
	}
	if family(spec.Kind) != "go" {
		return nil, failed("Actions of "+spec.Kind+" are compiled in their runtime: give the compiled program, as exec.", nil)
	}
	if s.dir == "" {
		s = &source{given: s.given, file: "main.go", content: s.content}
	}
	src, err := b.copyTree(s)
	if err != nil {
		return nil, err
	}
	bin, err := b.workDir("bin")
	if err != nil {
		return nil, err
	}
	program, err := b.lookPath("go")
	if err != nil {
		return nil, failed(err.Error(), err)
	}
	f, _ := runtimes.FamilyOf(spec.Kind)
	host := runtimes.Host{Kind: spec.Kind, Family: f, Path: program}
	build, err := host.Compile(spec.Main, src, bin, "")
	if err != nil {
		return nil, failed(err.Error(), err)
	}
	b.say("compiling for %s", p)
	cmd := exec.CommandContext(ctx, build.Path, build.Args...)
	cmd.Dir = build.Dir
	settings := slices.DeleteFunc(build.Env, func(e string) bool { // the caches are those of whoever builds
		return strings.HasPrefix(e, "HOME=") || strings.HasPrefix(e, "GOPATH=") || strings.HasPrefix(e, "GOCACHE=")
	})
	cmd.Env = slices.Concat(b.Environ, settings, []string{"GOOS=" + p.OS, "GOARCH=" + p.Architecture, "GOAMD64=v1", "GOEXPERIMENT="})
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, failed(fmt.Sprintf("go build: %s", strings.ReplaceAll(string(out), src+string(os.PathSeparator), "")), err)
	}
	e, err := fileEntry(filepath.Join(codeDir[1:], "exec"), filepath.Join(bin, "exec"), true)
	return []entry{e}, err
}
