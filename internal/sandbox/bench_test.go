package sandbox_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/sandbox"
)

// The pairs compare a bare start with a sandboxed one of the same program,
// from the request to the end of the process.
func BenchmarkStartTrueBare(b *testing.B)     { benchBare(b, "/bin/true") }
func BenchmarkStartTrueRootless(b *testing.B) { benchInside(b, sandbox.TierRootless, "/bin/true") }
func BenchmarkStartTrueFull(b *testing.B)     { benchInside(b, sandbox.TierFull, "/bin/true") }

func BenchmarkStartPythonBare(b *testing.B) { benchBare(b, "/usr/bin/python3", "-c", "0") }
func BenchmarkStartPythonFull(b *testing.B) {
	benchInside(b, sandbox.TierFull, "/usr/bin/python3", "-c", "0")
}

func BenchmarkStartNodeBare(b *testing.B) { benchBare(b, "/usr/bin/node", "-e", "0") }
func BenchmarkStartNodeFull(b *testing.B) {
	benchInside(b, sandbox.TierFull, "/usr/bin/node", "-e", "0")
}

func benchBare(b *testing.B, args ...string) {
	needProgram(b, args[0])
	for b.Loop() {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Env = []string{"PATH=/usr/bin:/bin"}
		if err := cmd.Run(); err != nil {
			b.Fatal(err)
		}
	}
}

func benchInside(b *testing.B, tier sandbox.Tier, args ...string) {
	needProgram(b, args[0])
	h := newHost(b, tier, sandbox.Policy{})
	null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer null.Close()
	s := sandbox.Spec{
		Path: args[0], Args: args, Env: []string{"PATH=/usr/bin:/bin"},
		Files:  [4]*os.File{null, null, null, null},
		Limits: sandbox.Limits{Memory: 256 * mega, Pids: 64, CPUShares: 1024},
	}
	for b.Loop() {
		p, err := h.Start(b.Context(), s)
		if err != nil {
			b.Fatal(err)
		}
		if exit, err := p.Wait(b.Context()); err != nil || exit.Code != 0 {
			b.Fatal(exit, err)
		}
		b.StopTimer()
		if err := p.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

func BenchmarkFreezeAndThaw(b *testing.B) {
	h := newHost(b, sandbox.TierFull, sandbox.Policy{})
	p := start(b, h, shell("sleep 600"))
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	for b.Loop() {
		if err := p.Freeze(ctx); err != nil {
			b.Fatal(err)
		}
		if err := p.Thaw(ctx); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStartPythonRootless(b *testing.B) {
	benchInside(b, sandbox.TierRootless, "/usr/bin/python3", "-c", "0")
}
func BenchmarkStartNodeRootless(b *testing.B) {
	benchInside(b, sandbox.TierRootless, "/usr/bin/node", "-e", "0")
}

// Here a start is over when the interpreter runs our program.
func BenchmarkStartPythonReadyFull(b *testing.B) {
	h := newHost(b, sandbox.TierFull, sandbox.Policy{})
	benchReady(b, h.Start, []string{python3, "-B", "-c", readyProgram})
}

func BenchmarkStartPythonReadyPreloaded(b *testing.B) {
	h := newHost(b, sandbox.TierFull, sandbox.Policy{})
	program := "import json,linecache,traceback,types,ssl,asyncio,email.message,urllib.request,logging,decimal,uuid,subprocess\n"
	benchReady(b, h.Start, []string{python3, "-B", "-c", program + readyProgram})
}

func BenchmarkStartPythonReadyForked(b *testing.B) {
	h := newHost(b, sandbox.TierFull, sandbox.Policy{})
	benchReady(b, newZygote(b, h, readyProgram).Start, []string{python3})
}

const readyProgram = "import os\nos.write(3, b'ready\\n')\nos.read(0, 1)\n"

func benchReady(b *testing.B, by starter, args []string) {
	needProgram(b, python3)
	s := sandbox.Spec{
		Path: python3, Args: args, Env: []string{"PATH=/usr/bin:/bin"},
		Limits: sandbox.Limits{Memory: 256 * mega, Pids: 64, CPUShares: 1024},
	}
	var pss, times []float64
	for b.Loop() {
		began := time.Now()
		p := startBy(b, by, s)
		p.until("\n")
		times = append(times, float64(time.Since(began).Microseconds()))
		b.StopTimer()
		pss = append(pss, pssOf(b, p.Pid()))
		p.close()
		b.StartTimer()
	}
	slices.Sort(times)
	slices.Sort(pss)
	b.ReportMetric(times[len(times)/2], "p50-µs")
	b.ReportMetric(times[0], "min-µs")
	b.ReportMetric(pss[len(pss)/2], "PSS-KiB")
}

// pssOf reads the proportional set size of a process, in KiB.
func pssOf(b *testing.B, pid int) float64 {
	body, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(body), "\nPss:")
	kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	if err != nil {
		b.Fatal(err)
	}
	return kib
}
