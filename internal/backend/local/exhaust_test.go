package local_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
)

func TestEveryActionOutOfMemoryIsToldSo(t *testing.T) {
	rounds := 1
	if *long {
		rounds = 10
	}
	if !countsMemory(t) {
		t.Skip("no cgroup counts memory here")
	}
	texts := certified(t, "nodejs", "python", "php", "ruby", "bash", "go")
	p := newPool(t, containerpool.Options{Memory: 8 << 30})
	for _, kind := range texts {
		t.Run(kind.Kind, func(t *testing.T) {
			allocators, bystander := message(kind.Kind, kind.Allocate, "{}"), message(kind.Kind, kind.Echo, `{"a":1}`)
			allocators.Action.Exec.CodeID, bystander.Action.Exec.CodeID = "allocate-"+kind.Kind, "echo-"+kind.Kind
			allocators.Action.Limits.Memory, allocators.Action.Revision, bystander.Action.Revision = 128, 1, 2
			run(t, p, bystander)
			grown := peakOf(t, func() {
				for range rounds {
					var all sync.WaitGroup
					for range 20 {
						all.Go(func() {
							r := run(t, p, allocators)
							const text = `{"error":"The action exhausted its memory and was aborted."}`
							if r.Response.Status != entity.DeveloperError || r.Fault != fault.OutOfMemory || string(r.Response.Result) != text {
								t.Errorf("%v %s %.200s (%s)", r.Response.Status, r.Fault, r.Response.Result, r.Why)
							}
						})
					}
					for range 5 {
						if r := run(t, p, bystander); r.Response.Status != entity.Success {
							t.Errorf("bystander: %s %s (%s)", r.Fault, r.Response.Result, r.Why)
						}
					}
					all.Wait()
				}
			})
			if grown > 20<<20 {
				t.Errorf("the server grew by %d MB", grown>>20)
			}
		})
	}
}

func TestAFloodOfLogsIsBounded(t *testing.T) {
	kind := usableKind(t, "python")
	size := "400"
	if *long {
		size = "1024"
	}
	const head = "import os\ndef main(a):\n"
	for name, code := range map[string]string{
		"one line":               head + "  for i in range(SIZE): os.write(1, b'x' * (1 << 20))\n  return {}",
		"short lines":            head + "  for i in range(SIZE): os.write(1, b'xy\\n' * 349525)\n  return {}",
		"empty lines":            head + "  for i in range(SIZE): os.write(1, b'\\n' * (1 << 20))\n  return {}",
		"bytes that are no text": head + "  for i in range(SIZE): os.write(2, b'\\xff\\xfe\\n' * 349525)\n  return {}",
		"both streams":           head + "  for i in range(SIZE // 2): os.write(1, b'x' * 1023 + b'\\n'); os.write(2, b'y' * (2 << 20))\n  return {}",
		"without end":            head + "  while True: os.write(1, b'xy\\n' * 349525)",
	} {
		t.Run(name, func(t *testing.T) {
			p := newPool(t, containerpool.Options{})
			msg := message(kind, strings.ReplaceAll(code, "SIZE", size), "{}")
			msg.Action.Limits.Timeout = 20 * time.Second
			if name == "without end" {
				msg.Action.Limits.Timeout = 2 * time.Second
			}
			began := time.Now()
			grown := peakOf(t, func() {
				r := run(t, p, msg)
				kept := 0
				for _, line := range r.Logs {
					kept += len(line) + 1
				}
				t.Logf("%s after %s: %d lines, %d bytes", r.Response.Status, time.Since(began).Round(time.Millisecond), len(r.Logs), kept)
				limit := int(entity.DefaultLimits().Logs * entity.MB)
				saysSo := func(line string) bool { return strings.Contains(line, "Logs were truncated") }
				if last := r.Logs[max(0, len(r.Logs)-2):]; kept > 2*limit || !slices.ContainsFunc(last, saysSo) {
					t.Errorf("%d bytes of logs, the last: %.200q", kept, last)
				}
			})
			if took := time.Since(began); took > msg.Action.Limits.Timeout+2*time.Second {
				t.Errorf("it ended after %s", took)
			}
			bound := int64(50 << 20)
			if raceEnabled {
				bound *= 2
			}
			if grown > bound {
				t.Errorf("the server grew by %d MB", grown>>20)
			}
			t.Logf("the server grew by %d MB", grown>>20)
		})
	}
}
