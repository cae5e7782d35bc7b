package protocoltest

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// java has the samples in one archive.
func (s Samples) java(ctx context.Context) (Samples, error) {
	source, err := fs.Sub(samplesFS, "samples/java")
	if err != nil {
		return s, err
	}
	code, err := JavaArchive(ctx, source)
	of := func(main string) *Sample { return &Sample{Main: main, Code: code, Binary: true} }
	s.Probe, s.Niam, s.Array, s.Text = of("Probe"), of("Probe#niam"), of("Numbers"), of("Text")
	s.Broken, s.Archive = of("Missing"), of("Probe")
	return s, err
}

// JavaArchive compiles the classes at the root of source with the javac of PATH and returns an archive of
// them in base64. They are compiled against a part of Gson, which the runtime has.
func JavaArchive(ctx context.Context, source fs.FS) (string, error) {
	dir, err := os.MkdirTemp("", "contract-java")
	if err != nil {
		return "", fmt.Errorf("make a folder for Java: %w", err)
	}
	defer os.RemoveAll(dir)
	gson, err := fs.Sub(samplesFS, "samples/java/com")
	if err != nil {
		return "", err
	}
	src, classes := filepath.Join(dir, "src"), filepath.Join(dir, "classes")
	if err := os.CopyFS(src, source); err != nil {
		return "", fmt.Errorf("lay out Java: %w", err)
	}
	if err := os.CopyFS(filepath.Join(dir, "gson", "com"), gson); err != nil {
		return "", fmt.Errorf("lay out Gson: %w", err)
	}
	files, err := filepath.Glob(filepath.Join(src, "*.java"))
	if err != nil {
		return "", err
	}
	args := []string{"-encoding", "UTF-8", "-sourcepath", filepath.Join(dir, "gson"), "-d", classes}
	if out, err := exec.CommandContext(ctx, "javac", append(args, files...)...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("compile with javac: %w\n%s", err, out)
	}
	entries, err := os.ReadDir(classes)
	if err != nil {
		return "", err
	}
	contents := map[string][]byte{}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".class") {
			continue
		}
		if contents[e.Name()], err = os.ReadFile(filepath.Join(classes, e.Name())); err != nil {
			return "", err
		}
	}
	return zipped(contents)
}
