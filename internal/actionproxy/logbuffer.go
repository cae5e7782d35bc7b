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
	kept    int // bytes with time, stream and line feeds
	partial [protocol.Stderr + 1]logLine
}

// logLine is a line that is not complete, as it will be stored: a long one is never copied whole
// but to grow.
type logLine struct {
	strings.Builder      // empty until the line begins
	cut             bool // the limit left something of it out
}

// label is what OpenWhisk writes between time and text.
func label(s protocol.Stream) string {
	if s == protocol.Stderr {
		return " stderr: "
	}
	return " stdout: "
}

// prefix is the length of what comes before the text of a line.
const prefix = len(timestampLayout) + len(" stdout: ")

// consume cuts a chunk into lines. One clock reading serves the chunk.
func (b *logBuffer) consume(s protocol.Stream, chunk []byte, limit int) {
	if b.kept >= limit {
		b.logs.Truncated = b.logs.Truncated || limit > 0
		b.partial[s] = logLine{}
		return
	}
	now := time.Now().UTC()
	for len(chunk) > 0 {
		end := bytes.IndexByte(chunk, '\n')
		if end < 0 {
			b.partial[s].add(s, now, chunk, limit, b.partial[s].growth())
			return
		}
		b.partial[s].add(s, now, chunk[:end], limit, 1)
		b.finish(s, limit)
		chunk = chunk[end+1:]
	}
}

// growth is the factor by which the line grows: of a long one few copies are
// left behind, of a short one little room.
func (l *logLine) growth() int {
	if l.Cap() < 1<<20 {
		return 2
	}
	return 4
}

// add appends text to the line, which grows by that factor at least if it must.
func (l *logLine) add(s protocol.Stream, now time.Time, text []byte, limit, factor int) {
	if room := max(0, limit+prefix-max(l.Len(), prefix)); len(text) > room {
		text, l.cut = text[:room], true
	}
	if need := max(l.Len(), prefix) + len(text); need > l.Cap() {
		l.enlarge(max(need, min(factor*l.Cap(), limit+prefix)))
	}
	if l.Len() == 0 {
		var stamp [len(timestampLayout)]byte
		l.Write(now.AppendFormat(stamp[:0], timestampLayout))
		l.WriteString(label(s))
	}
	l.Write(text)
}

// enlarge makes room for that size and no more: what grows in a Builder that
// is not empty takes twice its old size besides.
func (l *logLine) enlarge(size int) {
	line := l.String()
	l.Reset()
	l.Grow(size)
	l.WriteString(line)
}

// finish keeps the line of the stream, or what the limit leaves of it.
func (b *logBuffer) finish(s protocol.Stream, limit int) {
	line, cut := b.partial[s].String(), b.partial[s].cut
	b.partial[s] = logLine{}
	room := limit - b.kept - 1 // for the line feed
	if room < prefix || room == prefix && len(line) > prefix {
		b.kept = limit
		b.logs.Truncated = b.logs.Truncated || limit > 0
		return
	}
	if len(line) > room {
		line, cut = line[:room], true
	}
	b.kept += len(line) + 1
	b.logs.Truncated = b.logs.Truncated || cut
	line = strings.TrimSuffix(line, "\r")
	b.logs.Lines = append(b.logs.Lines, strings.ToValidUTF8(line, "\ufffd"))
}

// take returns the lines since the last take; a last line may lack its line feed.
func (b *logBuffer) take(limit int) Logs {
	for _, s := range []protocol.Stream{protocol.Stdout, protocol.Stderr} {
		if b.partial[s].Len() > 0 {
			b.finish(s, limit)
		}
	}
	logs := b.logs
	b.logs, b.kept = Logs{}, 0
	return logs
}
