package local

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sync/singleflight"

	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/runtimes"
)

// library keeps the code of actions as files, unpacked once per content and
// read-only, for as many containers as need it.
type library struct {
	dir   string // one folder per CodeID
	group singleflight.Group
}

// removeUnfinished removes what a crash interrupted.
func (l *library) removeUnfinished() error {
	left, err := filepath.Glob(filepath.Join(l.dir, "new-*"))
	if err != nil {
		return fmt.Errorf("find unfinished code: %w", err)
	}
	for _, dir := range left {
		err = errors.Join(err, removeTree(dir))
	}
	return err
}

// layOut puts the code of an action into dir, the folder that its container
// sees as /action, and reports whether it did: source text of a family
// without a code file travels in the init line instead.
func (l *library) layOut(ctx context.Context, family runtimes.Family, a containerpool.Assignment, dir string) (bool, error) {
	exec := &a.Action.Exec
	if a.Code == "" || !exec.Binary && family.CodeFile == "" {
		return false, nil
	}
	from, err := l.files(ctx, family, exec.CodeID, a.Code, exec.Binary)
	if err != nil {
		return false, err
	}
	return true, cloneTree(from, dir)
}

// files returns the folder with the code of that id, which it fills at the
// first time. A folder that is there is complete: it gets its name last.
func (l *library) files(ctx context.Context, family runtimes.Family, id, code string, binary bool) (string, error) {
	dir := filepath.Join(l.dir, family.Name+"-"+id)
	ch := l.group.DoChan(dir, func() (any, error) {
		if _, err := os.Stat(dir); err == nil {
			return nil, nil
		}
		return nil, l.fill(dir, family, code, binary)
	})
	select {
	case r := <-ch:
		return dir, r.Err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (l *library) fill(dir string, family runtimes.Family, code string, binary bool) (err error) {
	data := []byte(code)
	if binary {
		if data, err = base64.StdEncoding.DecodeString(code); err != nil {
			return refuse("it is not base64 (%v)", err)
		}
	}
	tmp, err := os.MkdirTemp(l.dir, "new-")
	if err != nil {
		return fmt.Errorf("make code directory: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(tmp))
		}
	}()
	if err := os.Chmod(tmp, 0o755); err != nil {
		return fmt.Errorf("make code directory: %w", err)
	}
	if err := fillFolder(tmp, family, data); err != nil {
		return err
	}
	if err := os.Rename(tmp, dir); err != nil {
		return fmt.Errorf("name code directory: %w", err)
	}
	return nil
}

func fillFolder(dir string, family runtimes.Family, data []byte) error {
	if isArchive(data) && !family.KeepArchive {
		return unpackFor(dir, family, data)
	}
	if family.CodeFile == "" {
		return refuse("it is neither a zip nor a gzipped tar")
	}
	if err := os.WriteFile(filepath.Join(dir, family.CodeFile), data, 0o555); err != nil {
		return fmt.Errorf("write code: %w", err)
	}
	return nil
}

// unpackFor unpacks and makes `exec` executable: a zip made elsewhere may
// have lost the bit.
func unpackFor(dir string, family runtimes.Family, data []byte) error {
	if err := unpack(data, dir); err != nil {
		return err
	}
	if family.CodeFile == "" {
		return nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open code directory: %w", err)
	}
	defer root.Close()
	if info, err := root.Lstat(family.CodeFile); err == nil && info.Mode().IsRegular() {
		if err := root.Chmod(family.CodeFile, 0o555); err != nil {
			return fmt.Errorf("make %s executable: %w", family.CodeFile, err)
		}
	}
	return nil
}

// cloneTree makes dir show the files of from: folders and links are made
// anew, files are linked, so it costs no space and hardly any time.
func cloneTree(from, dir string) error {
	return filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("clone code: %w", err)
		}
		rel, err := filepath.Rel(from, name)
		if err != nil || rel == "." {
			return err
		}
		to := filepath.Join(dir, rel)
		switch {
		case d.IsDir():
			err = os.Mkdir(to, 0o755)
		case d.Type() == fs.ModeSymlink:
			var target string
			if target, err = os.Readlink(name); err == nil {
				err = os.Symlink(target, to)
			}
		default:
			err = os.Link(name, to)
		}
		if err != nil {
			return fmt.Errorf("clone code: %w", err)
		}
		return nil
	})
}

// refused is a failure of the action's code with the runtime's own text.
func refused(text string) error {
	return &containerpool.Failure{Cause: containerpool.Refused, Code: fault.InitFailed, Message: text, Detail: text}
}
