// Package cli is the command line of gowhisk: one tree of commands, run as a
// value so that tests run the whole program in their own process. It parses,
// prints and chooses exit codes; the work is done elsewhere.
//
// Standard output is data, standard error is talk.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
)

// Env is the process as a value: everything that the program takes from the
// operating system's idea of a process.
type Env struct {
	Args      []string // without the name of the program
	Stdin     io.Reader
	Stdout    io.Writer
	Stderr    io.Writer
	LookupEnv func(key string) (string, bool)
	Environ   []string // KEY=VALUE; nil leaves misspelt variables unnoticed
	Version   string
}

// Getenv returns the variable, "" if it is not set.
func (e Env) Getenv(key string) string {
	v, _ := e.LookupEnv(key)
	return v
}

// Exit codes of every command; `admin` has those of wskadmin.
const (
	exitOK      = 0
	exitFailed  = 1
	exitMisused = 2
	exitPort    = 3 // the port is taken
)

// exit ends the program with a code, after everything has been said.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// misuse is an error in the arguments.
type misuse struct{ err error }

func (m misuse) Error() string { return m.err.Error() }
func (m misuse) Unwrap() error { return m.err }

// Main runs one command line and returns the exit code of the process. The
// end of ctx stops a server in order.
func Main(ctx context.Context, env Env) int {
	root := newRoot(env)
	root.SetArgs(env.Args)
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	return exitCode(root.ExecuteContext(ctx), env.Stderr)
}

// exitCode tells err to the user and chooses the exit code for it.
func exitCode(err error, stderr io.Writer) int {
	if err == nil {
		return exitOK
	}
	if code, ok := errors.AsType[exit](err); ok {
		return int(code)
	}
	if e, ok := errors.AsType[*entity.Error](err); ok && e.Code != "" {
		err = fault.New(e.Code, e.Message, nil, err)
	}
	if reason, ok := errors.AsType[*fault.Error](err); ok {
		fmt.Fprintln(stderr, reason)
		if reason.Report.Code == fault.PortInUse {
			return exitPort
		}
		return exitFailed
	}
	fmt.Fprintf(stderr, "gowhisk: %v\n", err)
	if _, ok := errors.AsType[misuse](err); ok {
		return exitMisused
	}
	return exitFailed
}

func newRoot(env Env) *cobra.Command {
	root := &cobra.Command{
		Use:   "gowhisk",
		Short: "A complete Apache OpenWhisk in one program",
		Long: `gowhisk serves the API of Apache OpenWhisk. Use it with wsk, wskdeploy and the
OpenWhisk SDKs.

Exit status: 0 done, 1 failed, 2 misused, 3 the port is taken.`,
		Example:       "  gowhisk serve\n  gowhisk explain GW2101\n  gowhisk admin user create alice-01",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          args(cobra.NoArgs),
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return misuse{err} })
	root.AddCommand(newServe(env), newAdmin(env), newContract(env), newDoctor(env), newExplain(env), newRun(env), newVersion(env), newMan(), newBuild(env), newExport(env), newCertificate(env), newSmoke(env))
	return root
}

// args makes a refusal of the arguments a misuse.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, words []string) error {
		if err := check(cmd, words); err != nil {
			return misuse{err}
		}
		return nil
	}
}
