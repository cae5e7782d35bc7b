package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/protocol"
)

// folder returns the folder of that name, which fill makes at the first
// time in a folder of its own; what fill returns becomes it. A folder that is
// there is complete: it gets its name last.
func (l *library) folder(ctx context.Context, name string, fill fillFunc) (string, error) {
	ch := l.group.DoChan(name, func() (any, error) {
		for _, dir := range []string{filepath.Join(l.dir, name), filepath.Join(l.dir, name+builtSuffix)} {
			if _, err := os.Stat(dir); err == nil {
				return dir, nil
			}
		}
		// Others may wait for it, too: the first one's end does not end it.
		return l.make(context.WithoutCancel(ctx), name, fill)
	})
	select {
	case r := <-ch:
		dir, _ := r.Val.(string)
		return dir, r.Err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (l *library) make(ctx context.Context, name string, fill fillFunc) (dir string, err error) {
	work, err := os.MkdirTemp(l.dir, "new-")
	if err != nil {
		return "", fmt.Errorf("make code directory: %w", err)
	}
	defer func() { err = errors.Join(err, removeTree(work)) }()
	if err := os.Chmod(work, 0o755); err != nil {
		return "", fmt.Errorf("make code directory: %w", err)
	}
	made, built, err := fill(ctx, work)
	if err != nil {
		return "", err
	}
	if err := protect(made); err != nil {
		return "", err
	}
	if built {
		name += builtSuffix
	}
	return l.put(made, name)
}

// protect takes the right to write away: containers share the files.
func protect(dir string) error {
	return filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return os.Chmod(name, info.Mode().Perm()&^0o222)
	})
}

// prepare returns the init of c for the action. Code that must be files is
// laid out where the container sees it; all else travels in the init. What is
// wrong with the code is a *protocol.Failure or a *containerpool.Failure.
func (f *Factory) prepare(ctx context.Context, c *cell, a containerpool.Assignment) (*protocol.Init, error) {
	exec, family := &a.Action.Exec, c.host.Family
	in := protocol.Init{Name: a.Action.Name.Name, Main: exec.Main, Code: a.Code, Binary: exec.Binary, Env: a.Env}
	if in.Main == "" && !family.RequireMain {
		in.Main = "main"
	}
	if in.Code == "" || !in.Binary && family.CodeFile == "" {
		p, err := actionproxy.Prepare(in, family, c.code(), actionproxy.ArchiveLimits{})
		return &p.Init, err
	}
	name := folderName(c.host.Kind, exec.CodeID, in.Main)
	dir, giveBack, err := f.library.borrow(ctx, name, func(ctx context.Context, work string) (string, bool, error) {
		return f.lay(ctx, c, in, work)
	})
	if err != nil {
		return nil, err
	}
	defer giveBack() // the container keeps links of its own
	if err := cloneTree(dir, c.code()); err != nil {
		return nil, err
	}
	p := actionproxy.Prepared{Init: in}
	inside := f.opt.Sandbox.Path(f.mounts(c).action)
	p.Init.Code, p.Init.Binary, p.Init.Dir = "", false, inside
	if strings.HasSuffix(dir, builtSuffix) {
		p.Acknowledged(inside)
	}
	return &p.Init, nil
}

// lay makes the files of the code in work.
func (f *Factory) lay(ctx context.Context, c *cell, in protocol.Init, work string) (made string, built bool, err error) {
	src := filepath.Join(work, "src")
	if err := os.Mkdir(src, 0o755); err != nil {
		return "", false, fmt.Errorf("make code directory: %w", err)
	}
	p, err := actionproxy.Prepare(in, c.host.Family, src, actionproxy.ArchiveLimits{})
	if refused, ok := errors.AsType[*protocol.Failure](err); ok && in.Binary && refused.Status == http.StatusBadGateway {
		return "", false, &containerpool.Failure{
			Cause: containerpool.Refused, Code: fault.ArchiveRefused, Message: refused.Message, Detail: refused.Message,
		}
	}
	if err != nil || p.Source == "" {
		return src, false, err
	}
	made, err = f.compile(ctx, c.host, in.Main, p.Source, work)
	return made, true, err
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
