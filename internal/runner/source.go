package runner

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/runtimes"
)

// maxSource bounds a file of code, in bytes.
const maxSource = actionproxy.MaxBody

// Source is the code of an action as a server would get it.
type Source struct {
	Name   string // of the file or folder, without extension
	Family string // guessed from names; empty if nothing tells
	Code   string // text, or base64
	Binary bool
	ID     string // the same for the same code
}

// Load reads a file, an archive, or a folder, which becomes an archive.
func Load(file string) (Source, error) {
	info, err := os.Stat(file)
	if err != nil {
		return Source{}, err
	}
	absolute, err := filepath.Abs(file)
	if err != nil {
		return Source{}, err
	}
	base := filepath.Base(absolute)
	if info.IsDir() {
		content, names, err := archive(file)
		if err != nil {
			return Source{}, fmt.Errorf("read folder %s: %w", file, err)
		}
		f, _ := runtimes.FamilyOfFolder(names)
		return encoded(base, f.Name, content), nil
	}
	content, err := readBounded(file)
	if err != nil {
		return Source{}, err
	}
	name := strings.TrimSuffix(base, filepath.Ext(base))
	f, _ := runtimes.FamilyOfFile(base)
	switch {
	case f.Name == "" && actionproxy.IsArchive(content):
		f, _ = runtimes.FamilyOfFolder(zipNames(content))
		return encoded(name, f.Name, content), nil
	case actionproxy.IsArchive(content), f.Name == "dotnet":
		return encoded(name, f.Name, content), nil
	case bytes.HasPrefix(content, []byte("\x7fELF")):
		return encoded(name, entity.KindBlackbox, content), nil
	case f.Name == "" && bytes.HasPrefix(content, []byte("#!")):
		f.Name = entity.KindBlackbox
	}
	return Source{Name: name, Family: f.Name, Code: string(content), ID: identify(content)}, nil
}

func encoded(name, family string, content []byte) Source {
	return Source{Name: name, Family: family, Code: base64.StdEncoding.EncodeToString(content), Binary: true, ID: identify(content)}
}

func identify(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func readBounded(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(io.LimitReader(f, maxSource+1))
	if err == nil && len(content) > maxSource {
		err = fmt.Errorf("%s has more than %d MB", file, maxSource>>20)
	}
	return content, errors.Join(err, f.Close())
}

// zipNames lists a zip's files; those of what is no zip are not known.
func zipNames(content []byte) []string {
	r, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return nil
	}
	var names []string
	for _, f := range r.File {
		names = append(names, f.Name)
	}
	return names
}

// archive makes a zip of the folder, which does not leave this process and is not compressed.
func archive(dir string) (content []byte, names []string, err error) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	err = filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ignored(d) && d.IsDir():
			return fs.SkipDir
		case ignored(d):
			return nil
		}
		name, err := filepath.Rel(dir, file)
		if err != nil || d.IsDir() {
			return err
		}
		names = append(names, filepath.ToSlash(name))
		return add(w, file, filepath.ToSlash(name), d)
	})
	if err = errors.Join(err, w.Close()); err != nil {
		return nil, nil, err
	}
	return out.Bytes(), names, nil
}

// ignored are version control's folders, and what is neither file, folder nor link.
func ignored(d fs.DirEntry) bool {
	if d.IsDir() {
		return d.Name() == ".git" || d.Name() == ".hg" || d.Name() == ".svn"
	}
	return !d.Type().IsRegular() && d.Type() != fs.ModeSymlink
}

func add(w *zip.Writer, file, name string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	header := &zip.FileHeader{Name: name, Method: zip.Store}
	header.SetMode(info.Mode())
	to, err := w.CreateHeader(header)
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(file)
		if err != nil {
			return err
		}
		_, err = io.WriteString(to, target)
		return err
	}
	from, err := os.Open(file)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, from.Close())
}
