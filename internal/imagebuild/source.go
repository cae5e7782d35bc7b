package imagebuild

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/runtimes"
)

// source is the code of an action: a folder, or one file.
type source struct {
	given    string // as the user named it, without credentials
	name     string // that it suggests for the action
	dir      string // the folder; empty for one file
	archive  bool   // the folder was an archive
	file     string // the name of the one file
	content  []byte // of the one file
	url      string // of its repository
	revision string // the commit
}

// maxSource bounds a file of code or an archive, in bytes. OpenWhisk 3.7.5.
const maxSource = actionproxy.MaxBody

// find gets the source that the spec names.
func (b *Builder) find(ctx context.Context, spec ActionSpec) (*source, error) {
	if spec.Code != "" {
		return b.inline(spec)
	}
	info, err := os.Stat(spec.Source)
	switch {
	case err == nil && info.IsDir():
		return &source{given: spec.Source, name: nameOf(spec.Source), dir: spec.Source}, nil
	case err == nil:
		return b.readFile(spec.Source)
	}
	r, isRepository, wrong := parseRepository(spec.Source)
	switch {
	case !isRepository:
		return nil, refusedSource(spec.Source, oneLine(err.Error()), err)
	case wrong != nil:
		return nil, refusedSource("the repository", "The URL can not be used: "+wrong.Error()+".", wrong)
	}
	dir, commit, err := b.clone(ctx, r)
	if err != nil {
		return nil, refusedSource(r.url, oneLine(err.Error()), err)
	}
	name := nameOf(strings.TrimSuffix(r.url, ".git"))
	if r.folder != "" {
		name = nameOf(r.folder)
	}
	return &source{given: r.url, name: name, dir: dir, url: r.url, revision: commit}, nil
}

// nameOf is the last part of a path without the extension.
func nameOf(file string) string {
	if absolute, err := filepath.Abs(file); err == nil && !strings.Contains(file, "://") {
		file = absolute
	}
	base := path.Base(filepath.ToSlash(file))
	return strings.TrimSuffix(base, path.Ext(base))
}

func (b *Builder) readFile(file string) (*source, error) {
	content, err := readBounded(file)
	if err != nil {
		return nil, refusedSource(file, oneLine(err.Error()), err)
	}
	s := &source{given: file, name: nameOf(file), file: filepath.Base(file), content: content}
	extension := strings.ToLower(path.Ext(file))
	switch extension {
	case ".zip", ".jar", ".tgz", ".gz", ".tar":
		if !actionproxy.IsArchive(content) {
			return nil, refusedSource(file, "Its name is that of an archive, but it is neither zip nor tar.gz.", nil)
		}
	}
	if len(content) == 0 {
		return nil, refusedSource(file, "It is empty.", nil)
	}
	if extension == ".jar" {
		return s, nil
	}
	return s, b.extract(s)
}

func readBounded(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(io.LimitReader(f, maxSource+1))
	if err == nil && len(content) > maxSource {
		err = fmt.Errorf("it has more than %d bytes", int64(maxSource))
	}
	return content, errors.Join(err, f.Close())
}

// inline takes the code that is given itself, as OpenWhisk's /init and the variables of the
// Knative-build prototype have it.
func (b *Builder) inline(spec ActionSpec) (*source, error) {
	s := &source{given: "the code", name: spec.Name, file: "code", content: []byte(spec.Code)}
	if !spec.Binary {
		return s, nil
	}
	var err error
	if s.content, err = base64.StdEncoding.DecodeString(spec.Code); err != nil {
		return nil, refusedSource("the code", "It is said to be binary but is no base64: "+err.Error()+".", err)
	}
	if family(spec.Kind) == "java" {
		return s, nil
	}
	return s, b.extract(s)
}

// extract makes a folder of an archive.
func (b *Builder) extract(s *source) error {
	if !actionproxy.IsArchive(s.content) {
		return nil
	}
	dir, err := b.workDir("source")
	if err != nil {
		return err
	}
	if err := actionproxy.Unpack(s.content, dir, actionproxy.ArchiveLimits{}); err != nil {
		return refusedSource(s.given, oneLine(err.Error()), err)
	}
	s.dir, s.file, s.content, s.archive = dir, "", nil, true
	return nil
}

// has says whether the source is a folder with that file.
func (s *source) has(name string) bool {
	if s.dir == "" {
		return false
	}
	_, err := os.Stat(filepath.Join(s.dir, name))
	return err == nil
}

// names are those of its files, without those of packages that were installed. What can not be read
// is told when the files are taken.
func (s *source) names() []string {
	if s.dir == "" {
		return []string{s.file}
	}
	var names []string
	_ = fs.WalkDir(os.DirFS(s.dir), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil
		case !d.IsDir():
			names = append(names, name)
		case d.Name() == ".git" || d.Name() == "node_modules":
			return fs.SkipDir
		}
		return nil
	})
	return names
}

// inferFamily guesses the family from the names of files; empty when nothing tells.
func (s *source) inferFamily() string {
	if s.dir == "" {
		f, _ := runtimes.FamilyOfSource(s.file)
		return f.Name
	}
	names := s.names()
	if f, ok := runtimes.FamilyOfFolder(names); ok {
		return f.Name
	}
	for _, sign := range [][2]string{{"requirements.txt", "python"}, {"composer.json", "php"}} { // what is missing is told later
		if slices.Contains(names, sign[0]) {
			return sign[1]
		}
	}
	for _, name := range names {
		if f, ok := runtimes.FamilyOfSource(name); ok && (f.Name == "java" || f.Name == "dotnet") {
			return f.Name
		}
	}
	return ""
}

// private names files that hold credentials or history, and never become part of an image.
func private(name string) bool {
	switch path.Base(name) {
	case ".git", ".hg", ".svn", ".env", ".npmrc", ".pypirc", ".netrc", ".git-credentials", ".wskprops", ".aws", ".ssh", ".docker", ".kube":
		return true
	}
	return false
}

// copyTree copies the source into a new folder that tools may change.
func (b *Builder) copyTree(s *source) (string, error) {
	dir, err := b.workDir("copy")
	if err != nil {
		return "", err
	}
	if s.dir == "" {
		file := filepath.Join(dir, filepath.FromSlash(s.file))
		return dir, errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, s.content, 0o644))
	}
	to, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer to.Close()
	skip := func(name string) bool { return name == ".git" || name == "node_modules" }
	entries, err := treeEntries(s.dir, "", skip)
	if err != nil {
		return "", refusedSource(s.given, oneLine(err.Error()), err)
	}
	for _, e := range entries {
		if err := copyEntry(to, e); err != nil {
			return "", fmt.Errorf("copy the source: %w", err)
		}
	}
	return dir, nil
}

func copyEntry(to *os.Root, e entry) error {
	switch {
	case e.mode.IsDir():
		return to.MkdirAll(path.Clean(e.name), 0o755)
	case e.mode&fs.ModeSymlink != 0:
		return to.Symlink(e.link, e.name)
	}
	content, err := e.open()
	if err != nil {
		return err
	}
	f, err := to.OpenFile(e.name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, e.mode.Perm()|0o600)
	if err != nil {
		return errors.Join(err, content.Close())
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, content.Close(), f.Close())
}
