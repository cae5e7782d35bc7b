package local

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/fault"
)

// What an action's archive may hold. A node_modules folder of a large
// application stays well below these.
const (
	maxEntries  = 100_000
	maxUnpacked = 1 << 30 // bytes of all files together
	maxName     = 1024
)

// refuse is the failure of an archive that is not unpacked.
func refuse(format string, args ...any) error {
	text := "The archive of the action cannot be used: " + fmt.Sprintf(format, args...) + "."
	return &containerpool.Failure{
		Cause: containerpool.Refused, Code: fault.ArchiveRefused, Message: text, Detail: fmt.Sprintf(format, args...),
	}
}

// isArchive reports whether data is a zip or a gzipped tar.
func isArchive(data []byte) bool { return isZip(data) || isGzip(data) }

func isZip(data []byte) bool  { return bytes.HasPrefix(data, []byte("PK\x03\x04")) }
func isGzip(data []byte) bool { return bytes.HasPrefix(data, []byte("\x1f\x8b")) }

// unpack extracts a zip or gzipped tar into dir, which it owns until it
// returns. Nothing is ever written outside dir: all paths go through an
// os.Root. What an archive may not hold is refused with a Failure.
func unpack(data []byte, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open code directory: %w", err)
	}
	defer root.Close()
	u := &unpacker{root: root, left: maxUnpacked}
	if isZip(data) {
		return u.zip(data)
	}
	return u.tar(data)
}

// unpacker counts what one archive may still use.
type unpacker struct {
	root    *os.Root
	entries int
	left    int64
}

func (u *unpacker) zip(data []byte) error {
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return refuse("it is damaged (%v)", err)
	}
	if len(r.File) > maxEntries {
		return refuse("it has %d entries, at most %d are allowed", len(r.File), maxEntries)
	}
	var claimed uint64 // a bomb usually does not even lie about its size
	for _, f := range r.File {
		if claimed += min(f.UncompressedSize64, maxUnpacked+1); claimed > maxUnpacked {
			return refuse("it unpacks to more than %d bytes", int64(maxUnpacked))
		}
	}
	for _, f := range r.File {
		open := func() (io.ReadCloser, error) { return f.Open() }
		if err := u.entry(f.Name, f.Mode(), int64(min(f.UncompressedSize64, 1<<62)), open); err != nil {
			return err
		}
	}
	return nil
}

func (u *unpacker) tar(data []byte) error {
	gz, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return refuse("it is damaged (%v)", err)
	}
	r := tar.NewReader(gz)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return refuse("it is damaged (%v)", err)
		}
		if h.Typeflag == tar.TypeLink || h.Typeflag == tar.TypeXGlobalHeader {
			if h.Typeflag == tar.TypeLink {
				return refuse("%q is a hard link", h.Name)
			}
			continue
		}
		open := func() (io.ReadCloser, error) { return io.NopCloser(r), nil }
		if h.Typeflag == tar.TypeSymlink {
			open = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(h.Linkname)), nil }
		}
		if err := u.entry(h.Name, h.FileInfo().Mode(), h.Size, open); err != nil {
			return err
		}
	}
}

// entry writes one entry.
func (u *unpacker) entry(name string, mode fs.FileMode, size int64, open func() (io.ReadCloser, error)) error {
	if u.entries++; u.entries > maxEntries {
		return refuse("it has more than %d entries", maxEntries)
	}
	clean, err := cleanName(name)
	if err != nil || clean == "." {
		return err
	}
	switch {
	case mode.IsDir():
		return u.mkdir(clean)
	case mode.Type() == fs.ModeSymlink:
		return u.symlink(clean, open)
	case !mode.IsRegular():
		return refuse("%q is neither a file nor a folder", name)
	}
	if size > u.left {
		return refuse("it unpacks to more than %d bytes", int64(maxUnpacked))
	}
	if err := u.mkdir(path.Dir(clean)); err != nil {
		return err
	}
	return u.file(clean, mode, open)
}

// cleanName returns the path of an entry below the root.
func cleanName(name string) (string, error) {
	if len(name) > maxName || strings.ContainsRune(name, 0) {
		return "", refuse("the name %.80q is not usable", name)
	}
	name = strings.ReplaceAll(name, `\`, "/")
	if path.IsAbs(name) {
		return "", refuse("%q is an absolute path", name)
	}
	clean := path.Clean(name)
	if clean == ".." || strings.HasPrefix(clean, "../") {
		return "", refuse("%q lies outside of the archive", name)
	}
	return clean, nil
}

func (u *unpacker) mkdir(dir string) error {
	if dir == "." {
		return nil
	}
	if err := u.root.MkdirAll(dir, 0o755); err != nil {
		return u.problem(dir, err)
	}
	return nil
}

// file writes a regular file that must not exist yet. The size is bounded
// while it is unpacked: what the archive says of it may be a lie.
func (u *unpacker) file(name string, mode fs.FileMode, open func() (io.ReadCloser, error)) error {
	from, err := open()
	if err != nil {
		return refuse("%q cannot be read (%v)", name, err)
	}
	defer from.Close()
	perm := fs.FileMode(0o444)
	if mode&0o111 != 0 {
		perm = 0o555
	}
	to, err := u.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return u.problem(name, err)
	}
	n, err := io.Copy(to, io.LimitReader(from, u.left+1))
	if cerr := to.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return u.problem(name, err)
	}
	if u.left -= n; u.left < 0 {
		return refuse("it unpacks to more than %d bytes", int64(maxUnpacked))
	}
	return nil
}

// symlink keeps a link that stays inside the archive, and one to an absolute
// path, which only means something inside the sandbox.
func (u *unpacker) symlink(name string, open func() (io.ReadCloser, error)) error {
	from, err := open()
	if err != nil {
		return refuse("%q cannot be read (%v)", name, err)
	}
	defer from.Close()
	raw, err := io.ReadAll(io.LimitReader(from, maxName+1))
	if err != nil || len(raw) == 0 || len(raw) > maxName {
		return refuse("the link %q cannot be read", name)
	}
	target := string(raw)
	if !path.IsAbs(target) {
		if _, err := cleanName(path.Join(path.Dir(name), target)); err != nil {
			return refuse("the link %q leads outside of the archive", name)
		}
	}
	if err := u.mkdir(path.Dir(name)); err != nil {
		return err
	}
	if err := u.root.Symlink(target, name); err != nil {
		return u.problem(name, err)
	}
	return nil
}

// problem tells the archive's faults from the host's.
func (u *unpacker) problem(name string, err error) error {
	switch {
	case errors.Is(err, fs.ErrExist):
		return refuse("it holds %q twice", name)
	case errors.Is(err, zip.ErrChecksum), errors.Is(err, zip.ErrFormat), errors.Is(err, zip.ErrAlgorithm), errors.Is(err, io.ErrUnexpectedEOF):
		return refuse("%q is damaged (%v)", name, err)
	}
	if pe, ok := errors.AsType[*fs.PathError](err); ok && strings.Contains(pe.Err.Error(), "escapes") {
		return refuse("%q leads outside of the archive", name)
	}
	return fmt.Errorf("unpack %q: %w", name, err)
}
