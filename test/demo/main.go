// Command demo shows gowhisk at work in a few seconds: it starts a server on
// a free port with an empty data directory, creates and invokes an action in
// JavaScript and one in Python with OpenWhisk's own wsk, and shows what was
// recorded. It leaves nothing behind.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
)

// language is one part of the tour.
type language struct {
	name, kind, install string
	file, code          string
	parameter           []string // name and value
}

func languages() []language {
	return []language{
		{
			"JavaScript", "nodejs", "apt-get install nodejs",
			"hello.js", `function main({name = 'World'}) {
  console.log('greeting', name);
  return {greeting: 'Hello, ' + name + '!'};
}
`,
			[]string{"name", "Ada"},
		},
		{
			"Python", "python", "apt-get install python3",
			"count.py", `def main(args):
    words = args.get("text", "").split()
    print("counting", len(words), "words")
    return {"words": len(words), "longest": max(words, key=len, default="")}
`,
			[]string{"text", "one binary and no Docker"},
		},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// run does the tour and tidies up after it.
func run(ctx context.Context, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "gowhisk-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	d := demo{out: out, dir: dir}
	if d.bin, err = filepath.Abs("bin"); err != nil {
		return err
	}
	stop, err := d.startServer(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	for _, l := range languages() {
		if err := d.show(ctx, l); err != nil {
			return err
		}
	}
	fmt.Fprintln(out, "\nThat was a complete OpenWhisk in one process. Yours: make run")
	return nil
}

// show creates and invokes one action, cold and warm, and its record.
func (d *demo) show(ctx context.Context, l language) error {
	fmt.Fprintf(d.out, "\n== %s\n", l.name)
	if !d.runs(l.kind) {
		fmt.Fprintf(d.out, "This host cannot run it: %s. Going on without it.\n", l.install)
		return nil
	}
	if err := os.WriteFile(filepath.Join(d.dir, l.file), []byte(l.code), 0o644); err != nil {
		return err
	}
	action := strings.TrimSuffix(l.file, filepath.Ext(l.file))
	invoke := append([]string{"action", "invoke", action, "--result", "--param"}, l.parameter...)
	steps := [][]string{
		{"action", "create", action, l.file},
		invoke,
		invoke,
		{"activation", "list", action},
	}
	var last string
	for _, step := range steps {
		var err error
		if last, err = d.wsk(ctx, step...); err != nil {
			return err
		}
	}
	id := regexp.MustCompile(`[0-9a-f]{32}`).FindString(last)
	if _, err := d.wsk(ctx, "activation", "logs", id); err != nil {
		return err
	}
	return d.timings(ctx, id)
}

// timings shows where the time of an activation went.
func (d *demo) timings(ctx context.Context, id string) error {
	var record bytes.Buffer
	cmd := d.command(ctx, "wsk", "activation", "get", id)
	cmd.Stdout = &record
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("wsk activation get %s: %w", id, err)
	}
	fmt.Fprintf(d.out, "$ wsk activation get %s   # in part\n", id)
	for _, field := range []string{`"duration": \d+`, `"status": "[^"]+"`, `"key": "waitTime",\s+"value": \d+`} {
		fmt.Fprintf(d.out, "    %s\n", regexp.MustCompile(`\s+`).ReplaceAllString(regexp.MustCompile(field).FindString(record.String()), " "))
	}
	return nil
}
