package local

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// builtSuffix ends the name of a folder whose program was compiled here.
const builtSuffix = "-built"

// libraryBytes bounds the code that is kept for containers to come.
const libraryBytes = 1 << 30

// library keeps the code of actions as files, unpacked or compiled once per
// content and read-only, for as many containers as need it. Beyond its limit
// it gives up what was not used for longest: containers have links of their
// own, so theirs stays.
type library struct {
	dir   string
	limit int64 // bytes
	group singleflight.Group

	mu      sync.Mutex
	folders map[string]*kept // by name; guarded by mu
	total   int64            // bytes; guarded by mu
}

// kept is one folder.
type kept struct {
	size    int64
	used    time.Time // also the folder's own time, for the next server
	readers int
}

// fillFunc makes code in work and returns its folder.
type fillFunc func(ctx context.Context, work string) (made string, built bool, err error)

// folderName names the folder of a code. What the name is made of may be long
// and may hold anything.
func folderName(kind, codeID, main string) string {
	sum := sha256.Sum256([]byte(kind + "\x00" + codeID + "\x00" + main))
	return strings.ReplaceAll(kind, ":", "-") + "-" + hex.EncodeToString(sum[:16])
}

// open removes what a crash interrupted and takes stock of the rest.
func (l *library) open() error {
	entries, err := os.ReadDir(l.dir)
	if err != nil {
		return fmt.Errorf("read kept code: %w", err)
	}
	var errs []error
	l.mu.Lock()
	defer l.mu.Unlock()
	l.folders = make(map[string]*kept, len(entries))
	for _, e := range entries {
		path := filepath.Join(l.dir, e.Name())
		info, err := e.Info()
		if err != nil || strings.HasPrefix(e.Name(), "new-") {
			errs = append(errs, err, removeTree(path))
			continue
		}
		size, err := treeSize(path)
		errs = append(errs, err)
		l.folders[e.Name()] = &kept{size: size, used: info.ModTime()}
		l.total += size
	}
	return errors.Join(append(errs, l.shrink(""))...)
}

// borrow returns the folder of that name, made by fill if need be. It stays
// until giveBack is called.
func (l *library) borrow(ctx context.Context, name string, fill fillFunc) (dir string, giveBack func(), err error) {
	for {
		if dir, err = l.folder(ctx, name, fill); err != nil {
			return "", nil, err
		}
		if k := l.lend(filepath.Base(dir)); k != nil {
			now := time.Now()
			_ = os.Chtimes(dir, now, now) // the next server's order, no more
			return dir, func() { l.takeBack(k) }, nil
		} // else it was given up just now
	}
}

func (l *library) lend(name string) *kept {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.folders[name]
	if k != nil {
		k.readers++
		k.used = time.Now()
	}
	return k
}

func (l *library) takeBack(k *kept) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k.readers--
}

// put gives a complete folder its name, and makes room for it.
func (l *library) put(made, name string) (string, error) {
	size, err := treeSize(made)
	if err != nil {
		return "", err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	dir := filepath.Join(l.dir, name)
	if err := os.Rename(made, dir); err != nil {
		return "", fmt.Errorf("name code directory: %w", err)
	}
	l.folders[name] = &kept{size: size, used: time.Now()}
	l.total += size
	return dir, l.shrink(name)
}

// shrink removes folders that nobody reads, least recently used first, until
// the rest is within the limit. It spares one. The caller holds mu.
func (l *library) shrink(spare string) error {
	for l.total > l.limit {
		oldest := ""
		for name, k := range l.folders {
			if name != spare && k.readers == 0 && (oldest == "" || k.used.Before(l.folders[oldest].used)) {
				oldest = name
			}
		}
		if oldest == "" {
			return nil
		}
		l.total -= l.folders[oldest].size
		delete(l.folders, oldest)
		if err := removeTree(filepath.Join(l.dir, oldest)); err != nil {
			return fmt.Errorf("give up kept code: %w", err)
		}
	}
	return nil
}

// treeSize adds up the files below dir, in bytes.
func treeSize(dir string) (size int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && d.Type().IsRegular() {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("measure kept code: %w", err)
	}
	return size, nil
}
