// Package corpus is a set of actions with the requests that they are sent and the answers that must
// come: the samples and the error payloads of the Knative build of OpenWhisk's runtimes, written anew,
// and one for every row of its table of capabilities. Each is deployed on every target that can have
// it, and answers the same everywhere.
//
// A sample is a folder of testdata/corpus:
//
//	sample.json   what it shows, how it is deployed, and its requests
//	action.js     the action; so in other languages, as action.py; or the folder action.js.d for an archive
//	golden.txt    the answers: status, headers, body
//
// What differs for good reason is not compared: headers of the connection (Date, Content-Length,
// Connection, Keep-Alive, Server), ids (X-Request-Id, X-Openwhisk-Activation-Id), and in errors of the
// API the member code. Results of actions that are not web actions are compared as JSON values.
package corpus

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing/fstest"

	"github.com/gowhisk/gowhisk/internal/protocol/protocoltest"
)

// languages are the endings of code files and the families of their kinds. The first one's answers are
// the golden ones.
func languages() [][2]string {
	return [][2]string{{"js", "nodejs"}, {"py", "python"}, {"php", "php"}, {"rb", "ruby"}, {"go", "go"}, {"rs", "rust"}, {"java", "java"}, {"sh", "bash"}}
}

// Sample is an action in one language.
type Sample struct {
	Name     string `json:"-"`
	Dir      string `json:"-"`
	Language string `json:"-"` // the ending of its file
	Code     string `json:"-"` // source text, or a zip in base64
	Binary   bool   `json:"-"`
	Main     string `json:"-"` // the entry point

	Shows       string            `json:"shows"`
	Row         string            `json:"row"`  // of the single-entry contract
	Only        []string          `json:"only"` // targets; empty for all
	Stem        bool              `json:"stem"` // deployed without an action: requests bring it
	Web         bool              `json:"web"`
	Annotations map[string]any    `json:"annotations"`
	Parameters  map[string]any    `json:"parameters"`
	Env         map[string]string `json:"env"`
	Methods     []string          `json:"methods"`
	Requests    []Request         `json:"requests"`
}

// Request is one call of the action, or of a stem cell.
type Request struct {
	Name   string            `json:"name"`
	Method string            `json:"method"` // POST if empty
	Path   string            `json:"path"`   // behind the action's name: an extension, a path, a query
	URL    string            `json:"url"`    // the whole path instead; {name} is the action's
	Header map[string]string `json:"header"`
	Body   string            `json:"body"` // {{code}} is the code as JSON
	Base64 string            `json:"base64"`
	JSON   json.RawMessage   `json:"json"` // the body as it is here, with its type
}

// Bytes is the body.
func (r Request) Bytes(s Sample) ([]byte, error) {
	if r.Base64 != "" {
		return base64.StdEncoding.DecodeString(r.Base64)
	}
	text := r.Body
	if r.JSON != nil {
		text = string(r.JSON)
	}
	code, err := json.Marshal(s.Code)
	return []byte(strings.ReplaceAll(text, `"{{code}}"`, string(code))), err
}

// Headers are those of the request.
func (r Request) Headers() map[string]string {
	h := maps.Clone(r.Header)
	if h == nil {
		h = map[string]string{}
	}
	h["User-Agent"] = "corpus"
	if r.JSON != nil {
		h["Content-Type"] = "application/json"
	}
	return h
}

// Load reads the samples below dir, one for each language that they are written in.
func Load(dir string) ([]Sample, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []Sample
	for _, e := range entries {
		sample := Sample{Name: e.Name(), Dir: filepath.Join(dir, e.Name())}
		text, err := os.ReadFile(filepath.Join(sample.Dir, "sample.json"))
		if err != nil {
			return nil, err
		}
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&sample); err != nil {
			return nil, fmt.Errorf("%s: %w", sample.Dir, err)
		}
		for _, language := range languages() {
			one := sample
			one.Language, one.Main = language[0], "main"
			found, err := one.readCode()
			if err != nil {
				return nil, err
			}
			if found {
				all = append(all, one)
			}
		}
	}
	return all, nil
}

// readCode reports whether the sample is written in its language. Java is compiled by Compile.
func (s *Sample) readCode() (bool, error) {
	base := filepath.Join(s.Dir, "action."+s.Language)
	if s.Language == "java" {
		base, s.Main = filepath.Join(s.Dir, "Action.java"), "Action"
	}
	text, err := os.ReadFile(base)
	if err == nil {
		s.Code = string(text)
		return true, nil
	}
	if _, err := os.Stat(base + ".d"); err != nil {
		return false, nil
	}
	s.Binary = true
	s.Code, err = zipped(os.DirFS(base + ".d"))
	return true, err
}

// Compile is for code that has to be an archive: it takes the javac of PATH.
func (s *Sample) Compile(ctx context.Context) (err error) {
	if s.Language == "java" {
		s.Binary = true
		s.Code, err = protocoltest.JavaArchive(ctx, fstest.MapFS{"Action.java": {Data: []byte(s.Code)}})
	}
	return err
}

func zipped(tree fs.FS) (string, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	if err := z.AddFS(tree); err != nil {
		return "", err
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(b.Bytes()), nil
}

// Kind is the kind of the sample's language, without a version.
func (s Sample) Kind() string {
	for _, language := range languages() {
		if language[0] == s.Language {
			return language[1]
		}
	}
	return ""
}

// On reports whether the target has a cell for the sample.
func (s Sample) On(target string) bool { return len(s.Only) == 0 || slices.Contains(s.Only, target) }

// AllAnnotations are those of the sample, with web-export for a web action.
func (s Sample) AllAnnotations() map[string]any {
	all := maps.Clone(s.Annotations)
	if all == nil {
		all = map[string]any{}
	}
	if s.Web {
		all["web-export"] = true
	}
	return all
}
