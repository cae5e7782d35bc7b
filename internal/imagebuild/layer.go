package imagebuild

import (
	"archive/tar"
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"
)

// compression is a level of the module klauspost/compress, whose version go.mod pins: the one of the
// standard library may write other bytes with every release of Go.
const compression = 6

// entry is a file of a layer.
type entry struct {
	name  string      // path in the image, without leading slash
	mode  fs.FileMode // type and whether it is executable; the rest is normalised
	link  string      // target of a symbolic link
	owner int         // number of user and group; root's if it is 0
	size  int64
	open  func() (io.ReadCloser, error)
}

// contentEntry is a file of known content.
func contentEntry(name string, content []byte, executable bool) entry {
	mode := fs.FileMode(0o644)
	if executable {
		mode = 0o755
	}
	return entry{name: name, mode: mode, size: int64(len(content)), open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content)), nil
	}}
}

// fileEntry is a file of this host.
func fileEntry(name, file string, executable bool) (entry, error) {
	info, err := os.Stat(file)
	if err != nil {
		return entry{}, err
	}
	e := contentEntry(name, nil, executable)
	e.size = info.Size()
	e.open = func() (io.ReadCloser, error) { return os.Open(file) }
	return e, nil
}

// treeEntries are the files of dir, below the folder to, without those that skip names. They are
// opened when they are read; nothing outside dir is.
func treeEntries(dir, to string, skip func(name string) bool) ([]entry, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	var entries []entry
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name != "." && skip != nil && skip(name) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		e := entry{name: path.Join(to, name), mode: info.Mode(), open: func() (io.ReadCloser, error) { return os.OpenInRoot(dir, name) }}
		switch {
		case info.Mode().IsRegular():
			e.size = info.Size()
		case info.Mode()&fs.ModeSymlink != 0:
			if e.link, err = root.Readlink(name); err != nil {
				return err
			}
			if target := path.Join(path.Dir(name), e.link); path.IsAbs(e.link) || target == ".." || strings.HasPrefix(target, "../") {
				return fmt.Errorf("%s links to %s, outside the source", name, e.link)
			}
		case !info.IsDir():
			return fmt.Errorf("%s is neither file, directory nor symbolic link", name)
		}
		entries = append(entries, e)
		return nil
	})
	return entries, err
}

// layer is a canonical layer: its bytes depend on names, types, contents and the permission to
// execute alone. It is a v1.Layer.
type layer struct {
	digest, diffID v1.Hash
	size           int64
	open           func() (io.ReadCloser, error)
}

// newLayer writes the entries into a new file of dir, which has to stay as long as the layer.
func newLayer(dir string, entries []entry) (l *layer, err error) {
	f, err := os.CreateTemp(dir, "layer-")
	if err != nil {
		return nil, fmt.Errorf("make a layer: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	compressed, plain := sha256.New(), sha256.New()
	out := bufio.NewWriter(io.MultiWriter(f, compressed))
	packed, err := gzip.NewWriterLevel(out, compression)
	if err != nil {
		return nil, err
	}
	if err := writeTar(io.MultiWriter(packed, plain), entries); err != nil {
		return nil, fmt.Errorf("make a layer: %w", err)
	}
	if err := errors.Join(packed.Close(), out.Flush()); err != nil {
		return nil, fmt.Errorf("make a layer: %w", err)
	}
	size, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, fmt.Errorf("make a layer: %w", err)
	}
	name := f.Name()
	return &layer{hashOf(compressed), hashOf(plain), size, func() (io.ReadCloser, error) { return os.Open(name) }}, nil
}

func hashOf(h hash.Hash) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(h.Sum(nil))}
}

// writeTar writes the entries and the folders above them in order, each name once: the last wins.
func writeTar(w io.Writer, entries []entry) error {
	byName := map[string]entry{}
	for _, e := range entries {
		for dir := path.Dir(e.name); dir != "."; dir = path.Dir(dir) {
			if _, ok := byName[dir]; !ok {
				byName[dir] = entry{name: dir, mode: fs.ModeDir}
			}
		}
		if e.name != "." {
			byName[e.name] = e
		}
	}
	names := make([]string, 0, len(byName))
	for name := range byName {
		names = append(names, name)
	}
	slices.Sort(names)
	archive := tar.NewWriter(w)
	for _, name := range names {
		if err := writeEntry(archive, byName[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return archive.Close()
}

func writeEntry(archive *tar.Writer, e entry) error {
	h := &tar.Header{Name: e.name, Mode: 0o644, ModTime: time.Unix(0, 0), Typeflag: tar.TypeReg, Uid: e.owner, Gid: e.owner}
	switch {
	case e.mode.IsDir():
		h.Typeflag, h.Name, h.Mode = tar.TypeDir, e.name+"/", 0o755
		if e.mode&fs.ModeSticky != 0 {
			h.Mode = 0o1777
		}
	case e.mode&fs.ModeSymlink != 0:
		h.Typeflag, h.Linkname, h.Mode = tar.TypeSymlink, e.link, 0o777
	default:
		h.Size = e.size
		if e.mode.Perm()&0o111 != 0 {
			h.Mode = 0o755
		}
	}
	if err := archive.WriteHeader(h); err != nil || h.Typeflag != tar.TypeReg {
		return err
	}
	content, err := e.open()
	if err != nil {
		return err
	}
	_, err = io.Copy(archive, content)
	return errors.Join(err, content.Close())
}

func (l *layer) Digest() (v1.Hash, error)             { return l.digest, nil }
func (l *layer) DiffID() (v1.Hash, error)             { return l.diffID, nil }
func (l *layer) Size() (int64, error)                 { return l.size, nil }
func (l *layer) MediaType() (types.MediaType, error)  { return types.OCILayer, nil }
func (l *layer) Compressed() (io.ReadCloser, error)   { return l.open() }
func (l *layer) Uncompressed() (io.ReadCloser, error) { return unzipped(l.open) }

// unzipped is the plain content of a compressed layer.
func unzipped(open func() (io.ReadCloser, error)) (io.ReadCloser, error) {
	packed, err := open()
	if err != nil {
		return nil, err
	}
	plain, err := gzip.NewReader(packed)
	if err != nil {
		return nil, errors.Join(err, packed.Close())
	}
	return readCloser{plain, packed}, nil
}

type readCloser struct {
	io.Reader
	io.Closer
}
