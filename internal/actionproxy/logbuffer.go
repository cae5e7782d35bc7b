package actionproxy

import (
	"bytes"
	"strings"
	"time"

	"github.com/gowhisk/gowhisk/internal/protocol"
)

// timestampLayout is OpenWhisk's log time: RFC 3339 in UTC with nine digits, 30 characters.
const timestampLayout = "2006-01-02T15:04:05.000000000Z"

// logBuffer makes lines of the output of one run and keeps them up to a limit in bytes. As in
// OpenWhisk the limit counts what a line has beside its text, too: else many short lines would be
// stored, and held in memory, at many times the limit. OpenWhisk 3.4.2.
type logBuffer struct {
	logs    Logs
	kept    int                         // bytes with time, stream and line feeds
	partial [protocol.Stderr + 1][]byte // lines without their ends yet
}

// label is what OpenWhisk writes between time and text.
func label(s protocol.Stream) string {
	if s == protocol.Stderr {
		return " stderr: "
	}
	return " stdout: "
}

// consume cuts a chunk into lines. One clock reading serves the chunk.
func (b *logBuffer) consume(s protocol.Stream, chunk []byte, limit int) {
	partial := &b.partial[s]
	if b.kept >= limit {
		b.logs.Truncated = b.logs.Truncated || limit > 0
		*partial = nil
		return
	}
	now := time.Now().UTC()
	for len(chunk) > 0 {
		end := bytes.IndexByte(chunk, '\n')
		if end < 0 {
			if len(*partial) >= limit {
				b.logs.Truncated = limit > 0
				return
			}
			*partial = append(*partial, chunk...)
			return
		}
		line := chunk[:end]
		if len(*partial) > 0 {
			line = append(*partial, line...)
			*partial = line[:0]
		}
		b.add(s, now, line, limit)
		chunk = chunk[end+1:]
	}
}

// add keeps a line, or what the limit leaves of it.
func (b *logBuffer) add(s protocol.Stream, now time.Time, text []byte, limit int) {
	overhead := len(timestampLayout) + len(label(s)) + 1
	room := limit - b.kept - overhead
	if room < 0 || room == 0 && len(text) > 0 {
		b.kept = limit
		b.logs.Truncated = b.logs.Truncated || limit > 0
		return
	}
	if len(text) > room {
		b.logs.Truncated = true
		text = text[:room]
	}
	b.kept += len(text) + overhead
	text = bytes.TrimSuffix(text, []byte{'\r'})
	var line strings.Builder
	line.Grow(len(timestampLayout) + len(label(s)) + len(text))
	var stamp [len(timestampLayout)]byte
	line.Write(now.AppendFormat(stamp[:0], timestampLayout))
	line.WriteString(label(s))
	line.Write(text)
	b.logs.Lines = append(b.logs.Lines, strings.ToValidUTF8(line.String(), "\ufffd"))
}

// take returns the lines since the last take; a last line may lack its line feed.
func (b *logBuffer) take(limit int) Logs {
	for _, s := range []protocol.Stream{protocol.Stdout, protocol.Stderr} {
		if rest := b.partial[s]; len(rest) > 0 {
			b.partial[s] = nil
			b.add(s, time.Now().UTC(), rest, limit)
		}
	}
	logs := b.logs
	b.logs, b.kept = Logs{}, 0
	return logs
}
