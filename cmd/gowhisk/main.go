// Command gowhisk is a complete Apache OpenWhisk in one program.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/gowhisk/gowhisk/internal/backend/local"
	"github.com/gowhisk/gowhisk/internal/cli"
	"github.com/gowhisk/gowhisk/internal/sandbox"
)

// version is written by the linker.
var version = "dev"

func main() {
	sandbox.Init() // in a sandbox this is where the program becomes the runtime
	local.Init()   // or the launcher of compiled actions
	os.Exit(run())
}

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	return cli.Main(ctx, cli.Env{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		LookupEnv: os.LookupEnv, Environ: os.Environ(), Version: version,
	})
}
