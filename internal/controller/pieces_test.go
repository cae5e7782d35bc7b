package controller_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestClientsThatReadSlowlyGetAllAndThoseThatDoNotAreCut(t *testing.T) {
	a := newAPI(t)
	const size = 2 << 20
	a.put(t, "large", `{"exec":{"kind":"nodejs:default","code":"`+strings.Repeat("x", size)+`"}}`)
	t.Run("slowly", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			began, got := time.Now(), int64(0)
			body := ask(t, a, "actions/large")
			for err := error(nil); err == nil; {
				var n int64
				n, err = io.CopyN(io.Discard, body, 8<<10)
				got += n
				time.Sleep(time.Second)
			}
			if took := time.Since(began); got < size || took < 4*time.Minute {
				t.Errorf("got %d of %d bytes in %s", got, size, took)
			}
		})
	})
	t.Run("not at all", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			body := ask(t, a, "actions/large")
			time.Sleep(31 * time.Second)
			if got, err := io.Copy(io.Discard, body); !errors.Is(err, io.ErrUnexpectedEOF) || got > size/2 {
				t.Errorf("got %d of %d bytes, %v", got, size, err)
			}
		})
	})
}

// ask sends a GET to a server that is patient for three minutes, and returns
// the body of the answer.
func ask(t *testing.T, h http.Handler, path string) io.Reader {
	t.Helper()
	l := pipes{make(chan net.Conn)}
	s := &http.Server{Handler: h, WriteTimeout: 3 * time.Minute}
	go func() {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	}()
	client, server := net.Pipe()
	l.conns <- server
	close(l.conns)
	t.Cleanup(func() {
		if err := errors.Join(client.Close(), s.Close()); err != nil {
			t.Error(err)
		}
	})
	if _, err := fmt.Fprintf(client, "GET %s%s HTTP/1.1\r\nHost: h\r\nAuthorization: %s\r\n\r\n", ns, path, basic(guestKey)); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(client), nil)
	if err != nil {
		t.Fatal(err)
	}
	return answer.Body
}
