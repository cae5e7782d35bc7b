package local

import (
	"errors"
	"fmt"
	"os"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/protocol"
	"github.com/gowhisk/gowhisk/runtimes"
)

// launcherName is argument 0 of this program where it is the launcher of
// compiled actions and scripts inside a sandbox.
const launcherName = "gowhisk-exec-launcher"

// Init must be called early in main and TestMain, after sandbox.Init. In a
// process that a Factory started as a launcher it serves and never returns;
// in any other it returns at once.
func Init() {
	if len(os.Args) != 2 || os.Args[0] != launcherName {
		return
	}
	family, ok := runtimes.FamilyOf(os.Args[1])
	if !ok {
		fmt.Fprintf(os.Stderr, "no launcher for family %q\n", os.Args[1])
		os.Exit(2)
	}
	if err := actionproxy.ExecLauncher(family, os.Environ()); err != nil {
		if errors.Is(err, actionproxy.ErrStarved) {
			os.Exit(protocol.ExitOutOfMemory)
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
