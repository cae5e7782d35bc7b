package main

import (
	"bufio"
	"strings"
	"testing"
)

func TestHeadOfAnswerGivesStatusAndLength(t *testing.T) {
	for _, tt := range []struct {
		name, head     string
		status, length int
		bad            bool
	}{
		{name: "plain", head: "HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n", status: 200, length: 16},
		{name: "any case, more headers", head: "HTTP/1.1 502 Bad Gateway\r\nDate: x\r\ncontent-length:7\r\nA: b\r\n\r\n", status: 502, length: 7},
		{name: "chunked", head: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", bad: true},
		{name: "negative", head: "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", bad: true},
		{name: "huge", head: "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", bad: true},
		{name: "no number", head: "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", bad: true},
		{name: "not HTTP", head: "hello, who is there?\r\n\r\n", bad: true},
		{name: "short", head: "HTTP/1.1 2\r\n\r\n", bad: true},
		{name: "cut", head: "HTTP/1.1 200 OK\r\nContent-Le", bad: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, length, err := readHead(bufio.NewReader(strings.NewReader(tt.head)))
			if tt.bad {
				if err == nil {
					t.Fatalf("got status %d and length %d, want an error", status, length)
				}
				return
			}
			if err != nil || status != tt.status || length != tt.length {
				t.Errorf("got %d, %d, %v; want %d, %d", status, length, err, tt.status, tt.length)
			}
		})
	}
}

func FuzzHeadOfAnswerNeverPanics(f *testing.F) {
	f.Add("HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n")
	f.Fuzz(func(t *testing.T, head string) {
		_, length, err := readHead(bufio.NewReader(strings.NewReader(head)))
		if err == nil && (length < 0 || length > maxBody) {
			t.Errorf("length %d of %q", length, head)
		}
	})
}
