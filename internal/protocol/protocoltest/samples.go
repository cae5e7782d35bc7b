package protocoltest

import (
	"archive/zip"
	"bytes"
	"context"
	"embed"
	"encoding/base64"
	"fmt"
	"path"
	"slices"
	"strings"
)

//go:embed samples
var samplesFS embed.FS

// Style is whose texts and codes a runtime answers with.
type Style string

// Styles.
const (
	NodeJS     Style = "nodejs"     // OpenWhisk 3.7
	ActionLoop Style = "actionloop" // OpenWhisk 3.6
	Skeleton   Style = "skeleton"   // OpenWhisk 3.8.5
)

// Sample is an action.
type Sample struct {
	Main   string
	Code   string // source text, or base64 when Binary is set
	Binary bool
}

// Samples are the actions of one language that the clauses need. A nil sample is one that the language
// cannot express: its clauses are not applicable.
type Samples struct {
	Kind  string
	Style Style
	// Probe does what its argument "do" says, and returns its arguments otherwise; see samples/.
	Probe *Sample
	// Niam returns {"niam":true} from an entry point that is not main.
	Niam *Sample
	// Array returns its arguments, an array; nil if Probe does so.
	Array *Sample
	// Text returns a text; nil if Probe does so.
	Text *Sample
	// Broken cannot be loaded.
	Broken *Sample
	// Archive is Probe in an archive.
	Archive *Sample
	// Concurrent: several runs may be in flight.
	Concurrent bool
	// NoEmpty: the language takes a variable that is empty for one that is not set.
	NoEmpty bool
	// PerRun: a process for every run, so nothing happens at its load.
	PerRun bool
	// Stub: an init without code is legal, and so is a run without init.
	Stub bool
}

// Kinds are the languages that have samples.
func Kinds() []string {
	return []string{"nodejs", "python", "php", "ruby", "go", "rust", "swift", "java", "dotnet", "bash", "blackbox"}
}

// SamplesOf returns the samples for a kind such as nodejs:20. Those of Java and .NET are compiled with
// the javac and the dotnet of PATH.
func SamplesOf(ctx context.Context, kind string) (Samples, error) {
	family, _, _ := strings.Cut(kind, ":")
	if !slices.Contains(Kinds(), family) {
		return Samples{}, fmt.Errorf("there are no samples for kind %q: use one of %s", kind, strings.Join(Kinds(), ", "))
	}
	s := Samples{Kind: kind, Style: ActionLoop}
	read := reader{family: family}
	switch family {
	case "nodejs":
		s.Style, s.Concurrent = NodeJS, true
		s.Probe, s.Niam, s.Broken = read.source("probe.js", "main"), read.source("niam.js", "niam"), read.source("broken.js", "main")
		s.Archive = read.archive("probe.js", "index.js", "\nexports.main = main;\n")
	case "python":
		s.Probe, s.Niam, s.Broken = read.source("probe.py", "main"), read.source("niam.py", "niam"), read.source("broken.py", "main")
		s.Archive = read.archive("probe.py", "__main__.py", "")
	case "php":
		s.Probe, s.Niam, s.Broken = read.source("probe.php", "main"), read.source("niam.php", "niam"), read.source("broken.php", "main")
		s.Archive = read.archive("probe.php", "index.php", "")
	case "ruby":
		s.Probe, s.Niam, s.Broken = read.source("probe.rb", "main"), read.source("niam.rb", "niam"), read.source("broken.rb", "main")
		s.Archive = read.archive("probe.rb", "main.rb", "")
	case "go":
		s.Probe, s.Niam, s.Broken = read.source("probe.go.txt", "main"), read.source("niam.go.txt", "niam"), read.source("broken.go.txt", "main")
		s.Array, s.Text = read.source("array.go.txt", "main"), read.source("text.sh", "main")
		s.Archive = read.archive("probe.go.txt", "main.go", "")
	case "rust":
		s.Probe, s.Niam, s.Broken = read.source("probe.rs", "main"), read.source("niam.rs", "niam"), read.source("broken.rs", "main")
		s.Archive = read.archive("probe.rs", "src/lib.rs", "")
	case "swift":
		s.Probe, s.Niam, s.Broken = read.source("probe.swift", "main"), read.source("niam.swift", "niam"), read.source("broken.swift", "main")
		s.Archive = read.archive("probe.swift", "main.swift", "")
	case "java":
		return s.java(ctx)
	case "dotnet":
		return s.dotnet(ctx)
	default:
		read.family = "bash"
		s.Style, s.PerRun, s.Stub = Skeleton, true, family == "blackbox"
		s.Probe, s.Archive = read.source("probe.sh", ""), read.archive("probe.sh", "exec", "")
	}
	return s, read.err
}

// reader reads the samples of a family; the first failure stays.
type reader struct {
	family string
	err    error
}

func (r *reader) text(name string) string {
	b, err := samplesFS.ReadFile(path.Join("samples", r.family, name))
	if r.err == nil {
		r.err = err
	}
	return string(b)
}

func (r *reader) source(name, main string) *Sample { return &Sample{Main: main, Code: r.text(name)} }

// archive is the file name in an archive, under another name and with more at its end.
func (r *reader) archive(name, as, more string) *Sample {
	code, err := zipped(map[string][]byte{as: []byte(r.text(name) + more)})
	if r.err == nil {
		r.err = err
	}
	return &Sample{Main: "main", Code: code, Binary: true}
}

// zipped returns an archive in base64.
func zipped(files map[string][]byte) (string, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range files {
		header := &zip.FileHeader{Name: name, Method: zip.Deflate}
		header.SetMode(0o755)
		w, err := z.CreateHeader(header)
		if err != nil {
			return "", err
		}
		if _, err := w.Write(content); err != nil {
			return "", err
		}
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(b.Bytes()), nil
}

// bytes is the code as a file.
func (s Sample) bytes() ([]byte, error) {
	if !s.Binary {
		return []byte(s.Code), nil
	}
	return base64.StdEncoding.DecodeString(s.Code)
}
