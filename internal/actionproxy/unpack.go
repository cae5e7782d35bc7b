package actionproxy

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
	"path/filepath"
	"strings"
	"syscall"
)

// ArchiveLimits bound what an archive may become on disk. Zero means the default.
type ArchiveLimits struct {
	Bytes int64
	Files int
}

// Standard limits of an archive.
const (
	DefaultArchiveBytes = 512 << 20
	DefaultArchiveFiles = 64 << 10
)

// ErrArchiveTooLarge means that the archive has more bytes or files than allowed.
var ErrArchiveTooLarge = errors.New("the archive is too large when extracted")

// unpacker extracts into one directory, which no entry can leave.
type unpacker struct {
	root  *os.Root
	bytes int64 // left
	files int   // left
}

// IsArchive says whether the code is a zip or tar.gz archive, which Unpack extracts.
func IsArchive(code []byte) bool {
	kind := kindOf(code)
	return kind == zipArchive || kind == tarArchive
}

// Unpack extracts a zip or tar.gz archive into the empty folder dir, as Prepare does.
func Unpack(code []byte, dir string, limits ArchiveLimits) error { return unpack(code, dir, limits) }

// unpack extracts a zip or tar.gz archive into dir, readable by every user.
func unpack(code []byte, dir string, limits ArchiveLimits) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("extract the archive: %w", err)
	}
	defer root.Close()
	u := &unpacker{root: root, bytes: limits.Bytes, files: limits.Files}
	if u.bytes == 0 {
		u.bytes = DefaultArchiveBytes
	}
	if u.files == 0 {
		u.files = DefaultArchiveFiles
	}
	if kindOf(code) == tarArchive {
		err = u.tar(code)
	} else {
		err = u.zip(code)
	}
	if err != nil {
		return fmt.Errorf("extract the archive: %w", err)
	}
	return nil
}

func (u *unpacker) zip(code []byte) error {
	archive, err := zip.NewReader(bytes.NewReader(code), int64(len(code)))
	if err != nil {
		return err
	}
	if err := u.announced(archive.File); err != nil {
		return err
	}
	for _, f := range archive.File {
		content, err := f.Open()
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		err = u.entry(f.Name, f.Mode(), "", content)
		if err = errors.Join(err, content.Close()); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return nil
}

// announced refuses what says itself that it is too large, before anything is written; what lies
// about it is stopped while it is written.
func (u *unpacker) announced(files []*zip.File) error {
	var sum uint64
	for _, f := range files {
		sum += min(f.UncompressedSize64, 1<<40)
	}
	if len(files) > u.files || sum > uint64(u.bytes) {
		return ErrArchiveTooLarge
	}
	return nil
}

func (u *unpacker) tar(code []byte) error {
	plain, err := gzip.NewReader(bytes.NewReader(code))
	if err != nil {
		return err
	}
	archive := tar.NewReader(plain)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		mode := h.FileInfo().Mode()
		if h.Typeflag == tar.TypeLink {
			mode = mode&fs.ModePerm | fs.ModeDevice // refused below
		}
		if err := u.entry(h.Name, mode, h.Linkname, archive); err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
	}
}

// entry writes one directory, file or symbolic link.
func (u *unpacker) entry(name string, mode fs.FileMode, link string, content io.Reader) error {
	if u.files--; u.files < 0 {
		return ErrArchiveTooLarge
	}
	name = path.Clean(strings.ReplaceAll(name, `\`, "/"))
	if name == "." {
		return nil
	}
	if mode.IsDir() {
		return u.root.MkdirAll(name, 0o755)
	}
	if err := u.root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	switch {
	case mode.IsRegular():
		return u.file(name, mode, content)
	case mode&fs.ModeSymlink != 0:
		return u.symlink(name, link, content)
	}
	return errors.New("is neither file, directory nor symbolic link")
}

// file keeps the permission to execute; exec has it always, as archives often lose it.
func (u *unpacker) file(name string, mode fs.FileMode, content io.Reader) error {
	perm := fs.FileMode(0o644)
	if mode.Perm()&0o111 != 0 || name == executable {
		perm = 0o755
	}
	f, err := u.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, perm)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, io.LimitReader(content, u.bytes+1))
	u.bytes -= n
	if u.bytes < 0 {
		err = ErrArchiveTooLarge
	}
	return errors.Join(err, f.Chmod(perm), f.Close())
}

// symlink makes links within the archive; a zip has the target as content.
func (u *unpacker) symlink(name, target string, content io.Reader) error {
	if target == "" {
		text, err := io.ReadAll(io.LimitReader(content, 4096))
		if err != nil {
			return err
		}
		target = string(text)
	}
	if path.IsAbs(target) || !filepath.IsLocal(path.Join(path.Dir(name), target)) {
		return fmt.Errorf("links to %s outside the archive", target)
	}
	if err := u.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return u.root.Symlink(target, name)
}

// isNoSpace says that the disk is full.
func isNoSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EROFS)
}
