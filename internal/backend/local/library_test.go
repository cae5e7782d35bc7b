package local_test

import (
	"context"
	"encoding/base64"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/backend/local"
	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/protocol"
	"github.com/gowhisk/gowhisk/internal/sandbox"
	"github.com/gowhisk/gowhisk/runtimes"
)

func TestKeptCodeIsBounded(t *testing.T) {
	kind := usableKind(t, "python")
	const limit, each = 1 << 20, 200 << 10
	_, host := newFactory(t, "")
	dir := t.TempDir()
	f := libraryFactory(t, host, dir, limit)
	var first containerpool.Container
	for i := range 12 {
		c := archiveContainer(t, f, kind, i, each)
		if i == 0 {
			first = c
		}
		if size := folderSize(t, filepath.Join(dir, "code")); size > limit {
			t.Errorf("%d bytes are kept after %d actions", size, i+1)
		}
	}
	ans, err := first.Run(t.Context(), runRequest())
	if err != nil || !strings.Contains(string(ans.Body), "200000") {
		t.Errorf("code of a live container went with the library's: %d %s, %v", ans.Status, ans.Body, err)
	}
	archiveContainer(t, f, kind, 0, each) // was given up, and is made again
	libraryFactory(t, host, dir, limit/4)
	if size := folderSize(t, filepath.Join(dir, "code")); size > limit/4 || size == 0 {
		t.Errorf("%d bytes are kept after a start with a smaller limit", size)
	}
}

func libraryFactory(t *testing.T, host *sandbox.Host, dir string, limit int64) containerpool.Factory {
	t.Helper()
	hosts, err := runtimes.Discover(t.Context(), runtimes.Search("/usr/bin", ""))
	if err != nil {
		t.Fatal(err)
	}
	f, err := local.New(local.Options{
		Sandbox: host, Dir: dir, CodeBytes: limit, Logger: slog.New(slog.DiscardHandler),
		Hosts: func(context.Context) ([]runtimes.Host, error) { return hosts, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// archiveContainer has loaded the n-th of different actions of that size.
func archiveContainer(t *testing.T, f containerpool.Factory, kind string, n, size int) containerpool.Container {
	t.Helper()
	c, err := f.Create(t.Context(), containerpool.Spec{Kind: kind})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Destroy(context.Background(), "test is over"); err != nil {
			t.Error(err)
		}
	})
	data := zipOf(t, [2]string{"__main__.py", "def main(a):\n  return {'n': len(open('data').read())}"},
		[2]string{"data", strings.Repeat(strconv.Itoa(n%10), size/1024*1000)})
	a := containerpool.Assignment{Action: message(kind, "", "").Action, Code: base64.StdEncoding.EncodeToString(data), Env: map[string]string{}}
	a.Action.Exec.Binary, a.Action.Exec.CodeID = true, "library-"+strconv.Itoa(n)
	if ans, err := c.Init(t.Context(), a); err != nil || ans.Status != 200 {
		t.Fatalf("init: %d %s, %v", ans.Status, ans.Body, err)
	}
	return c
}

func runRequest() *protocol.RunRequest {
	return &protocol.RunRequest{Value: []byte("{}"), Namespace: "guest", ActionName: "/guest/a", ActivationID: strings.Repeat("0", 32)}
}

func folderSize(t *testing.T, dir string) (size int64) {
	t.Helper()
	err := filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return size
}
