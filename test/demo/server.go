package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// demo is one tour: where the programs are and where it plays.
type demo struct {
	out      io.Writer
	bin, dir string
	url, key string
	kinds    []string
}

// runs reports whether the server has a kind of that family.
func (d *demo) runs(family string) bool {
	return slices.ContainsFunc(d.kinds, func(kind string) bool { return strings.HasPrefix(kind, family+":") })
}

// startServer starts gowhisk and returns when it answers; the returned
// function stops it in order.
func (d *demo) startServer(ctx context.Context) (stop func() error, err error) {
	fmt.Fprintln(d.out, "$ gowhisk serve --listen 127.0.0.1:0")
	var log bytes.Buffer
	// Ctrl-C ends the tour, which then stops the server in order.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), filepath.Join(d.bin, "gowhisk"),
		"serve", "--json", "--listen", "127.0.0.1:0", "--data-dir", filepath.Join(d.dir, "data"))
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start gowhisk: %w", err)
	}
	stop = func() error {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			return fmt.Errorf("stop gowhisk: %w", err)
		}
		return cmd.Wait()
	}
	var ready struct {
		URL, Auth, Isolation string
		Kinds                []string
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &ready)
	}
	if err != nil {
		waited := cmd.Wait()
		return nil, fmt.Errorf("gowhisk did not start (%w):\n%s", waited, &log)
	}
	d.url, d.key, d.kinds = ready.URL, ready.Auth, ready.Kinds
	fmt.Fprintf(d.out, "  %s\n  isolation  %s\n  kinds      %s\n", ready.URL, ready.Isolation, strings.Join(ready.Kinds, "  "))
	return stop, nil
}

// wsk runs OpenWhisk's command line, shows it as typed, and returns its
// output.
func (d *demo) wsk(ctx context.Context, args ...string) (string, error) {
	fmt.Fprintf(d.out, "$ wsk %s\n", quoted(args))
	cmd := d.command(ctx, "wsk", args...)
	output, err := cmd.CombinedOutput()
	for line := range strings.Lines(strings.TrimSpace(string(output))) {
		fmt.Fprintf(d.out, "  %s\n", strings.TrimRight(line, "\n"))
	}
	if err != nil {
		return "", fmt.Errorf("wsk %s: %w", quoted(args), err)
	}
	return string(output), nil
}

func (d *demo) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(d.bin, program), args...)
	cmd.Dir = d.dir
	cmd.Env = append(os.Environ(), "WHISK_APIHOST="+d.url, "WHISK_AUTH="+d.key, "WSK_CONFIG_FILE="+filepath.Join(d.dir, "wskprops"))
	return cmd
}

// quoted joins words as a shell takes them.
func quoted(words []string) string {
	shown := make([]string, len(words))
	for i, w := range words {
		if shown[i] = w; strings.ContainsAny(w, " '\"") {
			shown[i] = "'" + w + "'"
		}
	}
	return strings.Join(shown, " ")
}
