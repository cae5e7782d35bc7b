package systempackages_test

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"testing"
)

// websocketServer takes one text message, answers the close frame, and sends
// the message to got. It knows as much of RFC 6455 as a test needs.
func websocketServer(t *testing.T, got chan<- string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.String() != "/chat?room=1" {
			t.Errorf("asked for %s", r.URL)
		}
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		proof := sha1.Sum([]byte(r.Header.Get("Sec-Websocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		_, err = fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
			base64.StdEncoding.EncodeToString(proof[:]))
		if err == nil {
			err = rw.Flush()
		}
		if err != nil {
			t.Error(err)
			return
		}
		for {
			opcode, data, err := readFrame(rw.Reader)
			if err != nil {
				t.Errorf("read frame: %v", err)
				return
			}
			if opcode == 8 {
				_, _ = conn.Write([]byte{0x88, 2, data[0], data[1]})
				return
			}
			got <- string(data)
		}
	})
}

// readFrame reads one masked frame.
func readFrame(r *bufio.Reader) (opcode byte, data []byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	if head[0]&0x80 == 0 || head[1]&0x80 == 0 {
		return 0, nil, fmt.Errorf("head %x: not final or not masked", head)
	}
	length := uint64(head[1] & 0x7f)
	if length >= 126 {
		long := make([]byte, map[uint64]int{126: 2, 127: 8}[length])
		if _, err := io.ReadFull(r, long); err != nil {
			return 0, nil, err
		}
		length = binary.BigEndian.Uint64(append(make([]byte, 8-len(long)), long...))
	}
	body := make([]byte, 4+length)
	if _, err := io.ReadFull(r, body); err != nil {
		return 0, nil, err
	}
	for i := range body[4:] {
		body[4+i] ^= body[i%4]
	}
	return head[0] & 0x0f, body[4:], nil
}
