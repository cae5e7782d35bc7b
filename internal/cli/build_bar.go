package cli

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/gowhisk/gowhisk/internal/imagebuild"
)

// bar shows on a terminal how much of an image has been pushed; elsewhere nothing.
type bar struct {
	w     io.Writer
	shown int // per cent; -1 before the first
}

// barWidth is in characters.
const barWidth = 30

func newBar(w io.Writer, quiet bool) *bar {
	if f, ok := w.(*os.File); !ok || quiet || !isTerminal(f) {
		return &bar{}
	}
	return &bar{w: w, shown: -1}
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// tell is called by one goroutine.
func (b *bar) tell() imagebuild.Progress {
	if b.w == nil {
		return nil
	}
	return func(done, total int64) {
		if total <= 0 {
			return
		}
		percent := int(min(done, total) * 100 / total)
		if percent == b.shown {
			return
		}
		b.shown = percent
		filled := percent * barWidth / 100
		fmt.Fprintf(b.w, "\r[%s%s] %3d %% of %.1f MB", strings.Repeat("=", filled), strings.Repeat(" ", barWidth-filled), percent, float64(total)/1e6)
	}
}

// end clears the line.
func (b *bar) end() {
	if b.w != nil && b.shown >= 0 {
		fmt.Fprintf(b.w, "\r%s\r", strings.Repeat(" ", barWidth+30))
	}
}
