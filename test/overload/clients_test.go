package overload

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// cut is when a connection that stalls must be gone at the latest: the
// server allows 10 s for headers and 30 s for bodies.
const cut = 40 * time.Second

// dial opens a connection that ends with the test.
func (s *server) dial() *net.TCPConn {
	s.Helper()
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = conn.Close() }) // most are closed before
	return conn.(*net.TCPConn)
}

// post is the head of an invocation with a body of that length.
func (t tenant) post(action string, length int) string {
	return fmt.Sprintf("POST /api/v1/namespaces/_/actions/%s?blocking=true HTTP/1.1\r\nHost: h\r\nAuthorization: Basic %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
		action, base64.StdEncoding.EncodeToString([]byte(t.key)), length)
}

// TestClientsThatStallAreCutAndTheOthersServed holds many connections with
// everything that can be left half done, with and without a key.
func TestClientsThatStallAreCutAndTheOthersServed(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the server's patience of 30 s")
	}
	s := serve(t, "--invocations-per-minute", "1000000")
	s.guest.create("hello", hello)
	stranger := tenant{key: "nobody:nothing"}
	stalls := map[string]string{
		"nothing":                "",
		"half a request line":    "GET /pi",
		"half a header":          "GET /ping HTTP/1.1\r\nHo",
		"half a body":            s.guest.post("hello", 100) + "{",
		"half a large body":      s.guest.post("hello", 40<<20) + "{",
		"a stranger's half body": stranger.post("hello", 100) + "{",
		"a body for nobody":      "POST /ping HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n{",
		"half a chunk":           "POST /ping HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
		"a request, then half":   "GET /ping HTTP/1.1\r\nHost: h\r\n\r\nGET /ping HTTP/1.1\r\nHo",
	}
	before := s.memory()
	var wg sync.WaitGroup
	for name, head := range stalls {
		for range *stalled / len(stalls) {
			conn := s.dial()
			if _, err := io.WriteString(conn, head); err != nil {
				t.Fatal(err)
			}
			wg.Go(func() { ends(t, name, conn) })
		}
	}
	most := s.most(func() { s.guest.steady("hello") })
	t.Logf("%d MB of memory before, at most %d MB more", before>>20, (most-before)>>20)
	if !raceEnabled && most-before > 200<<20 {
		t.Errorf("memory grew by %d MB", (most-before)>>20)
	}
	wg.Wait()
	s.guest.steady("hello")
}

// ends fails the test unless the server closes the connection.
func ends(t *testing.T, name string, conn net.Conn) {
	if err := conn.SetReadDeadline(time.Now().Add(cut)); err != nil {
		t.Error(err)
		return
	}
	if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%s: the connection is still open after %s", name, cut)
	}
}

// TestClientsThatBreakOffLeaveNothingBehind sends valid requests up to a
// random byte and resets, closes, or half closes the connection there.
func TestClientsThatBreakOffLeaveNothingBehind(t *testing.T) {
	s := serve(t, "--invocations-per-minute", "1000000", "--concurrent-invocations", "1000")
	s.guest.create("hello", hello)
	body := `{"n":"` + strings.Repeat("x", 2000) + `"}`
	whole := s.guest.post("hello", len(body)) + body
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 40 {
				conn := s.dial()
				_, _ = io.WriteString(conn, whole[:rand.IntN(len(whole)+1)]) // the server may be quicker
				switch i % 3 {
				case 0:
					_ = conn.SetLinger(0) // reset
				case 1:
					_ = conn.CloseWrite()
				}
				_ = conn.Close()
			}
		})
	}
	s.guest.steady("hello")
	wg.Wait()
	// Whatever was accepted has ended: no slot is lost, for all of them fit.
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for deadline := time.Now().Add(10 * time.Second); ; <-again.C {
		status, text := http.StatusOK, ""
		for range 3 {
			if status, text = s.guest.invoke("hello", `{"n":1}`); status != http.StatusOK {
				break
			}
		}
		if status == http.StatusOK {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("afterwards: %d %s", status, text)
		}
	}
}

// TestHalfClosedConnectionsGetTheirAnswer has clients that say at once that
// nothing more will come.
func TestHalfClosedConnectionsGetTheirAnswer(t *testing.T) {
	s := serve(t)
	conn := s.dial()
	if _, err := io.WriteString(conn, "GET /ping HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil || !bytes.HasSuffix(answer, []byte("\r\n\r\npong")) {
		t.Errorf("got %q, %v", answer, err)
	}
}

// TestPipelinedRequestsAreAnsweredInTheirOrder sends a hundred at once.
func TestPipelinedRequestsAreAnsweredInTheirOrder(t *testing.T) {
	s := serve(t)
	conn := s.dial()
	const requests = 100
	var all strings.Builder
	for i := range requests {
		last := ""
		if i == requests-1 {
			last = "Connection: close\r\n"
		}
		fmt.Fprintf(&all, "GET /ping HTTP/1.1\r\nHost: h\r\nX-Request-ID: number-%d\r\n%s\r\n", i, last)
	}
	if _, err := io.WriteString(conn, all.String()); err != nil {
		t.Fatal(err)
	}
	answers, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	rest := string(answers)
	for i := range requests {
		_, after, found := strings.Cut(rest, fmt.Sprintf("number-%d\r\n", i))
		if !found {
			t.Fatalf("no answer to request %d after the one before", i)
		}
		rest = after
	}
}

// TestRequestsOutOfProportionAreRefused sends what no client sends; each is
// refused, and the next request is served.
func TestRequestsOutOfProportionAreRefused(t *testing.T) {
	s := serve(t, "--invocations-per-minute", "1000000")
	s.guest.create("hello", hello)
	for name, row := range map[string]struct {
		request string
		status  string
	}{
		"a long URL":            {"GET /" + strings.Repeat("x", 9000) + " HTTP/1.1\r\nHost: h\r\n\r\n", "414"},
		"a huge header":         {"GET /ping HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n", "431"},
		"a million headers":     {"GET /ping HTTP/1.1\r\nHost: h\r\n" + strings.Repeat("X: y\r\n", 200_000) + "\r\n", "431"},
		"no HTTP":               {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "400"},
		"a negative length":     {strings.Replace(s.guest.post("hello", 77), "77", "-1", 1), "400"},
		"two lengths":           {strings.Replace(s.guest.post("hello", 77), "Content-Length: 77", "Content-Length: 2\r\nContent-Length: 3", 1) + "{}", "400"},
		"a body over the limit": {s.guest.post("hello", 60<<20), "413"},
	} {
		conn := s.dial()
		_, _ = io.WriteString(conn, row.request) // it may be refused before its end
		if err := conn.SetReadDeadline(time.Now().Add(cut)); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, 12)
		if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != "HTTP/1.1 "+row.status {
			t.Errorf("%s: got %q, %v, want %s", name, answer, err, row.status)
		}
		_ = conn.Close()
	}
	for depth, want := range map[int]int{100: http.StatusOK, 100_000: http.StatusBadRequest} {
		body := strings.Repeat(`{"n":`, depth) + "1" + strings.Repeat("}", depth)
		if status, text := s.guest.invoke("hello", body); status != want {
			t.Errorf("%d levels: %d %.200s, want %d", depth, status, text, want)
		}
	}
	s.guest.steady("hello")
}

// TestManyLargeBodiesDoNotFillTheMemory uploads far more at once than the
// server may take of memory.
func TestManyLargeBodiesDoNotFillTheMemory(t *testing.T) {
	s := serve(t, "--invocations-per-minute", "1000000")
	s.guest.create("hello", hello)
	const size, bound = 45 << 20, 1200 << 20
	uploads := 24
	if raceEnabled { // all is slow and large then
		uploads = 4
	}
	body := `{"exec":{"kind":"nodejs:default","code":"` + strings.Repeat("x", size) + `"}}`
	before := s.memory()
	most := s.most(func() {
		var wg sync.WaitGroup
		for i := range uploads {
			wg.Go(func() {
				method, path, want := http.MethodPut, fmt.Sprintf("actions/large%d", i), http.StatusOK
				if i%2 == 0 {
					method, path, want = http.MethodPost, "actions/hello", http.StatusRequestEntityTooLarge
				}
				if status, text := s.guest.do(method, path, body); status != want {
					t.Errorf("upload %d: %d %.200s", i, status, text)
				}
			})
		}
		wg.Wait()
	})
	t.Logf("%d MB of bodies: %d MB of memory before, at most %d MB", uploads*size>>20, before>>20, most>>20)
	if !raceEnabled && most-before > bound {
		t.Errorf("memory grew by %d MB", (most-before)>>20)
	}
	s.guest.steady("hello")
}
