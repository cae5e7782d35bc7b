package pebble

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"log/slog"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// checkFiles looks for damage that Pebble takes for the end of a file. Its
// logs and manifests are read up to the first chunk that makes no sense,
// which a crash leaves at the end; a flipped bit in the middle would hide,
// and in a manifest even delete, all that follows. A manifest with sense
// behind nonsense is refused; of a log that is reported only, because after a
// power cut the unsynced pages of soft records may look the same.
func checkFiles(fsys vfs.FS, dir string, log *slog.Logger) error {
	names, err := fsys.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, name := range names {
		number, isLog := strings.CutSuffix(name, ".log")
		if !isLog && !strings.HasPrefix(name, "MANIFEST-") {
			continue
		}
		data, err := readAll(fsys, fsys.PathJoin(dir, name))
		if err != nil {
			return err
		}
		n, err := strconv.ParseUint(number, 10, 64)
		switch offset, damaged := damage(data, isLog && err == nil, uint32(n)); {
		case damaged && isLog:
			log.Error("a log is damaged: what was written behind the damage is lost", "file", name, "offset", offset)
		case damaged:
			return entity.ErrCorrupted.Because(fmt.Errorf("%s is damaged at byte %d", name, offset))
		}
	}
	return nil
}

func readAll(fsys vfs.FS, path string) ([]byte, error) {
	file, err := fsys.Open(path)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(file)
	return data, errors.Join(err, file.Close())
}

// Pebble's format of logs and manifests: blocks of chunks, each of which has
// a checksum, a length and a type; in logs also the number of the log.
const (
	chunkBlock     = 32 << 10
	chunkHeader    = 7
	logChunkHeader = 11
	logChunkTypes  = 5 // the first of four; those of a manifest begin with 1
)

// damage reports the first chunk of data that makes no sense although a
// later one does.
func damage(data []byte, isLog bool, number uint32) (offset int, damaged bool) {
	bad := -1
	for base := 0; base < len(data); base += chunkBlock {
		block := data[base:min(base+chunkBlock, len(data))]
		for at := 0; at+chunkHeader <= len(block); {
			size := chunkSize(block[at:], isLog, number)
			switch {
			case size > 0 && bad >= 0:
				return bad, true
			case size > 0:
				at += size
				continue
			case bad < 0 && !isPadding(block[at:]) && !isLogEnd(block[at:], isLog, number):
				bad = base + at
			}
			if bad < 0 || bad < base { // a later block must begin with sense
				break
			}
			at++
		}
	}
	return 0, false
}

// chunkSize returns the size of the chunk that p begins with, 0 if there is
// none.
func chunkSize(p []byte, isLog bool, number uint32) int {
	header, first := chunkHeader, byte(1)
	if isLog {
		header, first = logChunkHeader, logChunkTypes
	}
	if len(p) < header || p[6] < first || p[6] > first+3 {
		return 0
	}
	size := header + int(binary.LittleEndian.Uint16(p[4:]))
	if size > len(p) || isLog && binary.LittleEndian.Uint32(p[7:]) != number {
		return 0
	}
	sum := crc32.Checksum(p[6:size], crc32.MakeTable(crc32.Castagnoli))
	if sum = (sum>>15 | sum<<17) + 0xa282ead8; sum != binary.LittleEndian.Uint32(p) {
		return 0
	}
	return size
}

// isPadding reports whether p, the rest of a block, is too short for a
// chunk and unused.
func isPadding(p []byte) bool {
	return len(p) < logChunkHeader && len(strings.Trim(string(p), "\x00")) == 0
}

// isLogEnd reports whether p begins with the mark of a log that was closed:
// an empty chunk of the next log.
func isLogEnd(p []byte, isLog bool, number uint32) bool {
	return isLog && len(p) >= logChunkHeader && p[6] == logChunkTypes &&
		binary.LittleEndian.Uint32(p[7:]) == number+1
}
