package runner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long files must rest before a change counts: editors write several times.
const settle = 80 * time.Millisecond

// Watcher tells when files change.
type Watcher struct {
	files  map[string]bool // that are watched one by one, by absolute path
	trees  []string        // folders
	notify *fsnotify.Watcher
}

// Watch watches files, and folders with everything below them. Close the Watcher.
func Watch(paths ...string) (*Watcher, error) {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch for changes: %w", err)
	}
	w := &Watcher{files: map[string]bool{}, notify: notify}
	for _, path := range paths {
		if err := w.add(path); err != nil {
			return nil, errors.Join(fmt.Errorf("watch for changes: %w", err), notify.Close())
		}
	}
	return w, nil
}

// add watches the folder of a file, not the file: editors replace it.
func (w *Watcher) add(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		w.files[path] = true
		return w.notify.Add(filepath.Dir(path))
	}
	w.trees = append(w.trees, path)
	return w.addTree(path)
}

func (w *Watcher) addTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it was there for a moment
		}
		if err != nil || !d.IsDir() {
			return err
		}
		if ignored(d) {
			return fs.SkipDir
		}
		return w.notify.Add(path)
	})
}

// Next waits for a change, and until nothing has changed for a moment.
func (w *Watcher) Next(ctx context.Context) error {
	var quiet <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-quiet:
			return nil
		case err := <-w.notify.Errors:
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				return fmt.Errorf("watch for changes: %w", err)
			}
			quiet = time.After(settle)
		case event := <-w.notify.Events:
			if !w.matters(event) {
				continue
			}
			if err := w.follow(event); err != nil {
				return err
			}
			quiet = time.After(settle)
		}
	}
}

// matters is false for permissions and for the neighbours of a watched file.
func (w *Watcher) matters(event fsnotify.Event) bool {
	if event.Op&(fsnotify.Create|fsnotify.Write|fsnotify.Remove|fsnotify.Rename) == 0 {
		return false
	}
	return w.files[event.Name] || slices.ContainsFunc(w.trees, func(tree string) bool {
		return strings.HasPrefix(event.Name, tree+string(filepath.Separator))
	})
}

// follow watches a folder that is new.
func (w *Watcher) follow(event fsnotify.Event) error {
	if !event.Has(fsnotify.Create) {
		return nil
	}
	if info, err := os.Lstat(event.Name); err != nil || !info.IsDir() {
		return nil //nolint:nilerr // it is gone again
	}
	return w.addTree(event.Name)
}

// Close ends the watch.
func (w *Watcher) Close() error { return w.notify.Close() }
