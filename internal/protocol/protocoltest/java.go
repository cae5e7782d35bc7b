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

// java compiles the samples to one archive. They are compiled against a part of Gson that is not in it.
func (s Samples) java(ctx context.Context) (Samples, error) {
	dir, err := os.MkdirTemp("", "contract-java")
	if err != nil {
		return s, fmt.Errorf("make a folder for the Java samples: %w", err)
	}
	defer os.RemoveAll(dir)
	source, err := fs.Sub(samplesFS, "samples/java")
	if err != nil {
		return s, err
	}
	if err := os.CopyFS(dir, source); err != nil {
		return s, fmt.Errorf("lay out the Java samples: %w", err)
	}
	cmd := exec.CommandContext(ctx, "javac", "-encoding", "UTF-8", "-sourcepath", ".", "Probe.java", "Numbers.java", "Text.java")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return s, fmt.Errorf("compile the Java samples with javac: %w\n%s", err, out)
	}
	classes := map[string][]byte{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return s, err
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".class") {
			continue
		}
		if classes[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			return s, err
		}
	}
	code, err := zipped(classes)
	of := func(main string) *Sample { return &Sample{Main: main, Code: code, Binary: true} }
	s.Probe, s.Niam, s.Array, s.Text = of("Probe"), of("Probe#niam"), of("Numbers"), of("Text")
	s.Broken, s.Archive = of("Missing"), of("Probe")
	return s, err
}
