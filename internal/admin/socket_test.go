package admin_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/admin"
)

func TestCommandRunsInTheServerOfTheDirectory(t *testing.T) {
	dir, m, changes := t.TempDir(), newMemory(), 0
	listener, err := admin.Listen(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: admin.Handler(m, func() { changes++ })}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()

	var out, talk bytes.Buffer
	code, err := admin.Send(t.Context(), dir, []string{"user", "create", "alice-01", "-u", uuidA + ":" + keyA}, &out, &talk)
	if err != nil || code != 0 || out.String() != uuidA+":"+keyA+"\n" || changes != 1 {
		t.Errorf("got %d, %v, %q, %q, %d changes", code, err, &out, &talk, changes)
	}
	if code, err := admin.Send(t.Context(), dir, []string{"user"}, &out, &talk); err != nil || code != 2 || talk.Len() == 0 {
		t.Errorf("misuse: got %d, %v, %q", code, err, &talk)
	}
	info, err := os.Stat(admin.SocketPath(dir))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket: %v, %v", info.Mode(), err)
	}
	if err := server.Shutdown(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}

func TestTooLongADirectoryIsNamed(t *testing.T) {
	if _, err := admin.Listen(t.Context(), "/"+strings.Repeat("long", 40)); err == nil || !strings.Contains(err.Error(), "shorter data directory") {
		t.Errorf("got %v", err)
	}
}

func TestWithoutAServerSendSaysSo(t *testing.T) {
	dir := t.TempDir()
	if _, err := admin.Send(t.Context(), dir, []string{"user", "get", "guest"}, nil, nil); !errors.Is(err, admin.ErrNoServer) {
		t.Errorf("no socket: got %v", err)
	}
	listener, err := admin.Listen(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	if err := os.WriteFile(admin.SocketPath(dir), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Send(t.Context(), dir, []string{"user", "get", "guest"}, nil, nil); !errors.Is(err, admin.ErrNoServer) {
		t.Errorf("dead socket: got %v", err)
	}
}

func FuzzRunNeverPanics(f *testing.F) {
	f.Add("user", "create", "alice-01", "--namespace=x")
	f.Add("limits", "set", "guest", "--allowedKinds")
	f.Add("user", "list", "guest", "-p")
	f.Add("user", "get", "-ns", "--")
	f.Fuzz(func(t *testing.T, a, b, c, d string) {
		var out, talk bytes.Buffer
		if code := admin.Run(t.Context(), newMemory(), []string{a, b, c, d}, &out, &talk); code < 0 || code > 2 {
			t.Errorf("exit code %d", code)
		}
	})
}
