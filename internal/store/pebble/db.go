package pebble

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// DB is an open store. Its methods may be called concurrently.
type DB struct {
	db     *pebble.DB
	seal   *Seal
	log    *slog.Logger
	lock   io.Closer
	space  *space
	sync   *durability
	commit *committer
	refuge *reserveFile

	buffers sync.Pool    // of *[]byte, for encoding
	tidied  atomic.Int64 // when tidy worked, in nanoseconds since the start

	entities    entities
	activations activations
	queue       queue
	subjects    subjects
	registry    registry

	use      sync.RWMutex // read-locked during every call
	closed   bool         // guarded by use
	closing  chan struct{}
	failure  failure
	once     sync.Once // Close
	closeErr error
}

// Open opens the store in dir, making it if there is none. It ends within
// the time that replaying at most a few memtables takes, writes nothing to a
// store of a newer format (code GW5203), and refuses one that a process uses
// (GW5205) and a disk without the room that opening takes (GW5201). A store
// that cannot be read is ErrCorrupted.
func Open(ctx context.Context, dir string, o Options) (*DB, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("open store %s: %w", dir, err)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	fsys, onDisk := o.FS, o.FS == nil
	if onDisk {
		fsys = vfs.Default
	}
	if o.Seal == nil && !onDisk {
		return nil, errors.New("open store: a Seal must be given with an FS")
	}
	db := &DB{log: o.Logger, seal: o.Seal, closing: make(chan struct{}), refuge: &reserveFile{}}
	db.failure.init(o.Logger)
	db.sync = &durability{failure: &db.failure}
	db.space = newSpace(fsys, dir, o.Reserve, db.refuge, db.log)
	if onDisk {
		db.refuge.path, db.refuge.size = filepath.Join(dir, "reserve"), refugeSize(o.Reserve)
	}
	if err := db.open(fsys, dir); err != nil {
		return nil, fmt.Errorf("open store %s: %w", dir, err)
	}
	return db, nil
}

// refugeSize is what the file "reserve" takes: room for one flush.
func refugeSize(reserve int64) int64 {
	if reserve == 0 {
		return 2 * memTableSize
	}
	return min(reserve/4, 2*memTableSize)
}

func (db *DB) open(fsys vfs.FS, dir string) (err error) {
	path := fsys.PathJoin(dir, "FORMAT")
	if _, err := readFormat(fsys, path); err != nil {
		return err
	}
	if err := makeDir(fsys, dir); err != nil {
		return err
	}
	if db.lock, err = lockDir(fsys, dir); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.lock.Close())
		}
	}()
	if err := db.unlockSecrets(fsys, dir, path); err != nil {
		return err
	}
	if err := errors.Join(db.refuge.take(), db.space.admitOpen()); err != nil {
		return err
	}
	return db.start(walFS{fullFS{fsys, db.closing, db.space.full}, db.sync}, fsys.PathJoin(dir, "db"))
}

// makeDir makes a directory and those above it, durably.
func makeDir(fsys vfs.FS, dir string) error {
	if _, err := fsys.Stat(dir); err == nil {
		return nil
	}
	parent := fsys.PathDir(dir)
	if parent != dir {
		if err := makeDir(fsys, parent); err != nil {
			return err
		}
	}
	if err := fsys.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	d, err := fsys.OpenDir(parent)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// unlockSecrets gets the key and makes sure that it is the store's.
func (db *DB) unlockSecrets(fsys vfs.FS, dir, path string) error {
	f, err := readFormat(fsys, path)
	if err != nil {
		return err
	}
	fresh := f == format{}
	if db.seal == nil {
		if db.seal, err = LoadSeal(filepath.Join(dir, "secret.key"), fresh); err != nil {
			return err
		}
	}
	if fresh {
		return writeFormat(fsys, path, format{FormatVersion, db.seal.fingerprint()})
	}
	if f.Key != db.seal.fingerprint() {
		return errors.New("the secret key is not the one that this store was made with")
	}
	if f.Version < FormatVersion {
		return writeFormat(fsys, path, format{FormatVersion, f.Key})
	}
	return nil
}

// start opens Pebble and loads what is kept in memory.
func (db *DB) start(fsys vfs.FS, dir string) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = entity.ErrCorrupted.Because(fmt.Errorf("open pebble: %v", r))
		}
	}()
	if err := checkFiles(fsys, dir, db.log); err != nil {
		return err
	}
	if db.db, err = pebble.Open(dir, pebbleOptions(fsys, logger{db.log, db.failure.set})); err != nil {
		if pebble.IsCorruptionError(err) || !isPathError(err) {
			return entity.ErrCorrupted.Because(err)
		}
		return err
	}
	db.commit = newCommitter(db.db, db.sync, db.failure.set, db.failure.get)
	db.entities.db, db.activations.db, db.queue.db, db.subjects.db, db.registry.db = db, db, db, db, db
	if err := errors.Join(db.entities.load(), db.activations.load(), db.queue.load()); err != nil {
		db.commit.close()
		return errors.Join(err, db.db.Close())
	}
	return nil
}

func isPathError(err error) bool {
	_, ok := errors.AsType[*os.PathError](err)
	return ok
}

// Entities returns the store of actions, triggers, rules and packages.
func (db *DB) Entities() store.Entities { return &db.entities }

// Activations returns the store of activation records.
func (db *DB) Activations() store.Activations { return &db.activations }

// Queue returns the store of accepted activations.
func (db *DB) Queue() store.Queue { return &db.queue }

// Subjects returns the store of users and limits.
func (db *DB) Subjects() store.Subjects { return &db.subjects }

// Registry returns the store of the platform's own parts.
func (db *DB) Registry() store.Registry { return &db.registry }

// Failed is closed when the medium broke a promise: nothing is acknowledged
// any more, and only a new process may open the store again. Err says why.
func (db *DB) Failed() <-chan struct{} { return db.failure.done }

// Err returns why the store failed, nil if it did not.
func (db *DB) Err() error { return db.failure.get() }

// Close waits for calls under way and for the medium, and gives the
// directory free. Later calls fail. Of a store that failed it returns the
// reason.
func (db *DB) Close() error {
	db.once.Do(func() { db.closeErr = db.close() })
	return db.closeErr
}

func (db *DB) close() error {
	close(db.closing)
	db.use.Lock()
	defer db.use.Unlock()
	db.closed = true
	db.commit.close()
	failed := db.failure.get()
	if db.commit.stuck {
		return errors.Join(failed, db.lock.Close())
	}
	err := db.db.Close()
	if failed != nil {
		err = failed // Pebble's own complaints follow from it
	}
	return errors.Join(err, db.lock.Close())
}

// enter begins a call; leave must follow if it returned nil.
func (db *DB) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	db.use.RLock()
	if db.closed {
		db.use.RUnlock()
		return errClosed
	}
	if err := db.failure.get(); err != nil {
		db.use.RUnlock()
		return err
	}
	return nil
}

func (db *DB) leave() { db.use.RUnlock() }

// buffer returns an empty buffer for encoding; giveBack takes it again.
func (db *DB) buffer() *[]byte {
	if b, ok := db.buffers.Get().(*[]byte); ok {
		return b
	}
	return new([]byte)
}

func (db *DB) giveBack(b *[]byte) {
	if cap(*b) > maxInline*4 {
		return
	}
	*b = (*b)[:0]
	db.buffers.Put(b)
}
