package actionproxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// errWouldBlock: nothing is in the pipe now.
var errWouldBlock = errors.New("pipe is empty")

// aLongTimeAgo is a deadline that has passed.
var aLongTimeAgo = time.Unix(1, 0)

// pipeReader reads the parent's end of a pipe in two ways: blocking, by the goroutine that owns it,
// and without waiting, to take what is there already. Neither allocates.
type pipeReader struct {
	file *os.File
	raw  syscall.RawConn
	try  func(fd uintptr)
	buf  []byte
	n    int
	err  error
}

// newPipeReader checks that waiting on the file can be interrupted.
func newPipeReader(f *os.File, size int) (*pipeReader, error) {
	if err := f.SetReadDeadline(time.Time{}); err != nil {
		return nil, err
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	r := &pipeReader{file: f, raw: raw, buf: make([]byte, size)}
	r.try = func(fd uintptr) { r.n, r.err = readNow(int(fd), r.buf) }
	return r, nil
}

// tryRead returns what is in the pipe now, up to the buffer's size; io.EOF once no writer is left.
// The result is valid until the next read.
func (r *pipeReader) tryRead() ([]byte, error) {
	if err := r.raw.Control(r.try); err != nil {
		return nil, err
	}
	return r.buf[:max(r.n, 0)], r.err
}

// readNow is read(2) on a descriptor that does not block.
func readNow(fd int, buf []byte) (int, error) {
	for {
		n, err := syscall.Read(fd, buf)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			return 0, errWouldBlock
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		}
		return n, nil
	}
}

// lineWriter writes whole lines to a pipe; the usual line fits and is written at once.
type lineWriter struct {
	file *os.File
	raw  syscall.RawConn
	now  func(fd uintptr)
	line []byte
	n    int
	err  error
	sent atomic.Int64 // bytes so far
}

func newLineWriter(f *os.File) (*lineWriter, error) {
	if err := f.SetWriteDeadline(time.Time{}); err != nil {
		return nil, err
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	w := &lineWriter{file: f, raw: raw}
	w.now = func(fd uintptr) {
		for {
			if w.n, w.err = syscall.Write(int(fd), w.line); !errors.Is(w.err, syscall.EINTR) {
				return
			}
		}
	}
	return w, nil
}

// write writes the line or fails; after a failure the pipe may hold a part of it.
func (w *lineWriter) write(ctx context.Context, line []byte) error {
	w.line = line
	if err := w.raw.Control(w.now); err != nil {
		return writeError(err)
	}
	w.line = nil
	w.sent.Add(int64(max(w.n, 0)))
	switch {
	case w.err == nil && w.n == len(line):
		return nil
	case w.err != nil && !errors.Is(w.err, syscall.EAGAIN):
		return writeError(w.err)
	}
	stop := context.AfterFunc(ctx, func() { _ = w.file.SetWriteDeadline(aLongTimeAgo) })
	n, err := w.file.Write(line[max(w.n, 0):])
	w.sent.Add(int64(n))
	if !stop() { // the deadline stands, so the pipe takes no more lines
		return context.Cause(ctx)
	}
	return writeError(err)
}

// unread says whether nothing of what was written from that position on has been read.
func (w *lineWriter) unread(start int64) bool {
	var waiting int32
	var failed syscall.Errno
	err := w.raw.Control(func(fd uintptr) {
		_, _, failed = syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCINQ, uintptr(unsafe.Pointer(&waiting)))
	})
	return err == nil && failed == 0 && start >= w.sent.Load()-int64(waiting)
}

// writeError tells the end of the reader from other faults.
func writeError(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, os.ErrClosed) {
		return ErrExited
	}
	return fmt.Errorf("write request: %w", err)
}

func (w *lineWriter) close() error { return w.file.Close() }
