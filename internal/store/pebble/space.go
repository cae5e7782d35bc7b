package pebble

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// The default reserve is a twentieth of the medium within these bounds, but
// a third of a tiny one.
const (
	minReserve = 64 * entity.MB
	maxReserve = 1024 * entity.MB
)

// freshness is how long a look at the free space counts.
const freshness = 20 * time.Millisecond

// fullMemory is how long a write that did not fit keeps new ones away.
const fullMemory = time.Second

// fullNotice is how often the log may say that the disk is full.
const fullNotice = 10 * time.Second

// need says how much a write matters when space runs out.
type need uint8

const (
	needNew    need = iota // new data: refused as soon as the reserve is touched
	needFinish             // the end of work that was accepted: may use three quarters of it
	needFree               // removal: always tried
)

// space watches the room on the medium and keeps a full disk from breaking
// the store: new data is refused while there still is room for everything
// else.
type space struct {
	fsys    vfs.FS
	dir     string
	reserve int64 // 0: by the size of the medium
	refuge  *reserveFile
	log     *slog.Logger

	looked atomic.Int64 // nanoseconds since start of the last look
	short  atomic.Int64 // nanoseconds since start of the last write that did not fit
	told   atomic.Int64 // nanoseconds since start of the last notice of that
	start  time.Time
	mu     sync.Mutex   // held by who looks
	level  atomic.Int32 // smallest need that is admitted now
}

func newSpace(fsys vfs.FS, dir string, reserve int64, refuge *reserveFile, log *slog.Logger) *space {
	s := &space{fsys: fsys, dir: dir, reserve: reserve, refuge: refuge, log: log, start: time.Now()}
	s.looked.Store(-int64(freshness))
	return s
}

// admit refuses a write that the free space does not allow.
func (s *space) admit(n need) error {
	if n == needFree {
		return nil
	}
	if age := int64(time.Since(s.start)) - s.looked.Load(); age >= int64(freshness) && s.mu.TryLock() {
		s.look()
		s.mu.Unlock()
	}
	if int32(n) >= s.level.Load() {
		return nil
	}
	return entity.Errorf(entity.Unavailable,
		"Disk is full: new data is refused, reads and deletes work. Free space under %s.", s.dir).WithCode(codeDiskFull)
}

// admitOpen refuses to open a store where there is not the room that this
// may take: Pebble would wait for it, and nobody know.
func (s *space) admitOpen() error {
	usage, err := s.fsys.GetDiskUsage(s.dir)
	if err != nil || !s.refuge.missing(int64(usage.AvailBytes)) { // see look
		return nil
	}
	return entity.Errorf(entity.Unavailable,
		"Disk is full: the store cannot be opened. Free space under %s.", s.dir).WithCode(codeDiskFull)
}

// full is called for a write that did not fit: it makes what room there is.
func (s *space) full() {
	s.refuge.give()
	now := int64(time.Since(s.start))
	s.short.Store(now)
	if last := s.told.Load(); (last == 0 || now-last >= int64(fullNotice)) && s.told.CompareAndSwap(last, now) {
		s.log.Warn("the disk is full: writing waits for room", "dir", s.dir)
	}
}

func (s *space) look() {
	usage, err := s.fsys.GetDiskUsage(s.dir)
	now := int64(time.Since(s.start))
	s.looked.Store(now)
	if short := s.short.Load(); short != 0 && now-short < int64(fullMemory) {
		s.level.Store(int32(needFree)) // whatever the numbers say: a quota is not among them
		return
	}
	if err != nil { // a medium that cannot tell, such as memory, has no bound
		s.level.Store(int32(needNew))
		return
	}
	reserve := s.reserve
	if reserve == 0 {
		total := int64(usage.TotalBytes)
		reserve = min(max(total/20, minReserve), maxReserve, total/3)
	}
	level := needNew
	switch free := int64(usage.AvailBytes); {
	case free < reserve/4:
		level = needFree
	case free < reserve:
		level = needFinish
	}
	s.level.Store(int32(level))
	if s.refuge.fits(int64(usage.AvailBytes), reserve) { // it was given up when the disk was full
		if err := s.refuge.take(); err != nil {
			s.log.Warn("no disk space could be reserved", "error", err)
		}
	}
}
