package actionproxy_test

import (
	"bufio"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/gowhisk/gowhisk/internal/protocol"
)

var echoes = map[string]string{
	"nodejs": `function main(p) { return p; }`,
	"python": "def main(p):\n  return p",
}

func BenchmarkRun(b *testing.B) {
	for family, code := range echoes {
		b.Run(family, func(b *testing.B) {
			c := action(b, family, code)
			req := request(`{"name":"world"}`)
			ctx := bounded(b)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Run(ctx, req); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRunConcurrent(b *testing.B) {
	c := launch(b, "nodejs")
	initialize(b, c, &protocol.Init{Main: "main", Code: echoes["nodejs"], Env: protocol.Env{protocol.EnvAllowConcurrent: "true"}})
	ctx := bounded(b)
	b.ReportAllocs()
	b.SetParallelism(8)
	var ids atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		req := request(`{"name":"world"}`)
		for pb.Next() {
			req.ActivationID = strconv.FormatInt(ids.Add(1), 16)
			if _, err := c.Run(ctx, req); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkBarePipe is the floor: the same lines echoed by the same interpreters.
func BenchmarkBarePipe(b *testing.B) {
	programs := map[string]string{
		"nodejs": `const fs=require('fs');process.stdin.on('data',(d)=>fs.writeSync(3,JSON.stringify(JSON.parse(d).value)+'\n'))`,
		"python": "import sys,os,json\nfor l in iter(sys.stdin.buffer.readline,b''): os.write(3,json.dumps(json.loads(l)['value']).encode()+b'\\n')",
	}
	for family, program := range programs {
		b.Run(family, func(b *testing.B) {
			h := host(b, family)
			flag := map[string]string{"nodejs": "-e", "python": "-c"}[family]
			in, out := bare(b, exec.Command(h.Path, flag, program))
			line := append(request(`{"name":"world"}`).Append(nil), '\n')
			r := bufio.NewReader(out)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := in.Write(line); err != nil {
					b.Fatal(err)
				}
				if _, err := r.ReadSlice('\n'); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func bare(b *testing.B, cmd *exec.Cmd) (in, out *os.File) {
	b.Helper()
	stdin, in, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	out, answers, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	cmd.Stdin, cmd.ExtraFiles, cmd.Stderr = stdin, []*os.File{answers}, os.Stderr
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	stdin.Close()
	answers.Close()
	b.Cleanup(func() {
		in.Close()
		out.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return in, out
}
