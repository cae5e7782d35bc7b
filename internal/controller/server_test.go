package controller_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoke"
)

// pipes is a listener whose connections live in the memory of the test.
type pipes struct{ conns chan net.Conn }

func (p pipes) Accept() (net.Conn, error) {
	if c, ok := <-p.conns; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func TestSlowBodyIsCutOffAfterThirtySeconds(t *testing.T) {
	a := newAPI(t)
	a.put(t, "hello", hello)
	a.put(t, "page", annotated())
	for _, row := range []struct {
		name, line, key string
		status          int
	}{
		{"that is read", "POST " + ns + "actions/hello", guestKey, http.StatusRequestTimeout},
		{"of nobody", "POST " + ns + "actions/hello", "nobody:" + guestKey[37:], http.StatusUnauthorized},
		{"of a route that takes none", "POST /ping", guestKey, http.StatusMethodNotAllowed},
		{"of no route", "PUT " + ns + "nothing", guestKey, http.StatusNotFound},
		{"of a web action", "POST " + web + "page", guestKey, http.StatusRequestTimeout},
		{"of no web action", "POST " + web + "hello", guestKey, http.StatusNotFound},
		{"of a read", "GET " + ns + "actions", guestKey, http.StatusOK},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				status, took := half(t, a, row.line, row.key)
				if status != row.status || took != 30*time.Second {
					t.Errorf("status %d after %v, want %d after 30s", status, took, row.status)
				}
			})
		})
	}
}

// half sends a request whose body does not come and returns the status of the
// answer and when it came.
func half(t *testing.T, h http.Handler, line, key string) (status int, took time.Duration) {
	t.Helper()
	l := pipes{make(chan net.Conn)}
	s := &http.Server{Handler: h}
	go func() {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	}()
	client, server := net.Pipe()
	l.conns <- server
	close(l.conns)
	began := time.Now()
	go func() {
		_, err := fmt.Fprintf(client, "%s HTTP/1.1\r\nHost: h\r\nAuthorization: %s\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", line, basic(key))
		if err != nil {
			t.Error(err)
		}
	}()
	if err := client.SetReadDeadline(began.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(client), nil)
	if err != nil {
		t.Fatalf("no answer within an hour: %v", err)
	}
	took = time.Since(began)
	if err := errors.Join(client.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	return answer.StatusCode, took
}

func TestClientThatLeavesEndsTheWaitAlone(t *testing.T) {
	waiting, left := make(chan struct{}), make(chan struct{})
	a := newAPI(t, func(a *api) {
		a.invoke = func(ctx context.Context, req invoke.Request) (invoke.Outcome, error) {
			close(waiting)
			<-ctx.Done()
			close(left)
			return invoke.Outcome{ID: someID}, nil
		}
	})
	a.put(t, "hello", hello)
	s := httptest.NewServer(a)
	defer s.Close()
	ctx, leave := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+ns+"actions/hello?blocking=true", strings.NewReader(`{"a":1}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", basic(guestKey))
	r.Header.Set("Content-Type", "application/json")
	go func() {
		<-waiting
		leave()
	}()
	if answer, err := s.Client().Do(r); err == nil {
		t.Errorf("answered %s", answer.Status)
	}
	<-left
}

func TestChunkedAndLargeBodiesAreCounted(t *testing.T) {
	a := newAPI(t)
	a.put(t, "hello", hello)
	s := httptest.NewServer(a)
	defer s.Close()
	post := func(body string, length int64) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+ns+"actions/hello?blocking=true&result=true", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = length
		r.Header.Set("Authorization", basic(guestKey))
		r.Header.Set("Content-Type", "application/json")
		answer, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text := new(strings.Builder)
		if _, err := bufio.NewReader(answer.Body).WriteTo(text); err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, text.String()
	}
	body := func(n int) string { return `{"a":"` + strings.Repeat("x", n-8) + `"}` }
	for _, n := range []int{8, 511, 512, 513, 64<<10 - 1, 64 << 10, 64<<10 + 1, 1 << 20} {
		for _, length := range []int64{-1, int64(n)} {
			if status, text := post(body(n), length); status != 200 || text != body(n) {
				t.Errorf("%d bytes, announced %d: %d, %d bytes back", n, length, status, len(text))
			}
		}
	}
	for _, length := range []int64{-1, 3 << 20} {
		want := fmt.Sprintf("Request larger than allowed: %d > %d bytes.", 3<<20, entity.MaxPayloadSize)
		if status, text := post(body(3<<20), length); status != 413 || !strings.Contains(text, want) {
			t.Errorf("announced %d: %d %.200s", length, status, text)
		}
	}
	if status, text := post("", 0); status != 200 || text != "{}" {
		t.Errorf("no body: %d %s", status, text)
	}
}

func TestFewLargeBodiesAreReadAtOnceAndOneOfEachNamespace(t *testing.T) {
	for _, row := range []struct {
		keys []string
		most int
	}{{[]string{guestKey}, 1}, {[]string{guestKey, otherKey}, 2}} {
		a := newAPI(t)
		const each = 5
		b := &stuck{arrived: make(chan struct{}, each*len(row.keys)), let: make(chan struct{})}
		var wg sync.WaitGroup
		for _, key := range row.keys {
			for range each {
				wg.Go(func() {
					r := scenario{Method: "PUT", URL: ns + "actions/big", Body: hello, Headers: map[string]string{"Authorization": basic(key)}}.request()
					r.Body, r.ContentLength = b, 9<<20
					if w := serve(a, r); w.Code != http.StatusBadRequest {
						t.Errorf("status %d: %s", w.Code, w.Body)
					}
				})
			}
		}
		for range row.most {
			<-b.arrived
		}
		close(b.let)
		wg.Wait()
		if most := int(b.most.Load()); most != row.most {
			t.Errorf("%d at once, want %d", most, row.most)
		}
	}
}

// slowReader is a client that takes nothing of the answer until it is let.
type slowReader struct {
	*httptest.ResponseRecorder
	reading, let chan struct{}
}

func (s slowReader) Write(b []byte) (int, error) {
	if s.Body.Len() == 0 {
		s.reading <- struct{}{}
		<-s.let
	}
	return s.ResponseRecorder.Write(b)
}

func TestLargeCodeIsReadOnceAtATimeForANamespace(t *testing.T) {
	a := newAPI(t)
	a.put(t, "small", hello)
	a.put(t, "large", exec(`{"kind":"nodejs:20","code":"`+strings.Repeat("x", 9<<20)+`"}`))
	reading, let := make(chan struct{}, 100), make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			w := slowReader{httptest.NewRecorder(), reading, let}
			a.ServeHTTP(w, scenario{Method: "GET", URL: ns + "actions/large"}.request())
			if w.Code != http.StatusOK || w.Body.Len() < 9<<20 {
				t.Errorf("status %d, %d bytes", w.Code, w.Body.Len())
			}
		})
	}
	<-reading
	scenario{Method: "GET", URL: ns + "actions/small?code=false", Status: 200}.check(t, a)
	scenario{Method: "GET", URL: ns + "actions/none", Headers: map[string]string{"Authorization": basic(otherKey)}, Status: 404}.check(t, a)
	if n := len(reading); n != 0 {
		t.Errorf("%d others are read as well", n)
	}
	close(let)
	wg.Wait()
}

// stuck is a body that comes to an early end when it is let.
type stuck struct {
	readers, most atomic.Int64
	arrived, let  chan struct{}
}

func (s *stuck) Read([]byte) (int, error) {
	n := s.readers.Add(1)
	defer s.readers.Add(-1)
	for old := s.most.Load(); n > old && !s.most.CompareAndSwap(old, n); old = s.most.Load() {
	}
	s.arrived <- struct{}{}
	<-s.let
	return 0, io.ErrUnexpectedEOF
}

func (s *stuck) Close() error { return nil }
