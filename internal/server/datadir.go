package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/gowhisk/gowhisk/internal/admin"
)

// addressFile holds the URL of the running server, so that programs that
// asked for port 0 find it.
const addressFile = "address"

// makeDataDir makes the data directory for its owner alone, and takes it
// back from others if it was open. It returns the absolute path: sandboxes
// mount folders of it.
func makeDataDir(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("data directory: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("data directory: %w", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return "", fmt.Errorf("data directory: %w", err)
	}
	return dir, nil
}

// writeAddress replaces the address file in one step: a reader never sees
// half of it.
func writeAddress(dir, url string) error {
	part := filepath.Join(dir, addressFile+".part")
	if err := os.WriteFile(part, []byte(url+"\n"), 0o600); err != nil {
		return fmt.Errorf("address file: %w", err)
	}
	if err := os.Rename(part, filepath.Join(dir, addressFile)); err != nil {
		return fmt.Errorf("address file: %w", err)
	}
	return nil
}

// Address returns the URL of the server that runs on the data directory,
// false if none does.
func Address(ctx context.Context, dir string) (url string, running bool) {
	data, err := os.ReadFile(filepath.Join(dir, addressFile))
	if err != nil {
		return "", false
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", admin.SocketPath(dir))
	if err != nil {
		return "", false // what a crashed server left
	}
	return strings.TrimSpace(string(data)), conn.Close() == nil
}

// removeAddress says that no server runs here any more.
func removeAddress(dir string) error {
	if err := os.Remove(filepath.Join(dir, addressFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("address file: %w", err)
	}
	return nil
}
