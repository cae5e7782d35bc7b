package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/runner"
	"github.com/gowhisk/gowhisk/runtimes"
)

// runCommand is one call of `gowhisk run`.
type runCommand struct {
	env           Env
	file          string
	kind, main    string
	memory        int64 // MB
	timeout       int64 // ms
	watch, asJSON bool
	params        parameters
}

func newRun(env Env) *cobra.Command {
	r := &runCommand{env: env}
	cmd := &cobra.Command{
		Use:   "run FILE|ZIP|DIR [-p KEY VALUE]... [-P FILE]...",
		Short: "Run one action here, without a server",
		Long: `Runs an action once in the sandbox in which serve would run it, and prints its
result on standard output and what it logs on standard error. The file's name
tells the language; --kind says it where it does not, or asks for a version.

With --watch it runs again whenever the code or a file of parameters changes, and
when Enter is pressed. The container stays warm until the code changes.

Exit status: 0 the action succeeded, 1 it failed, 2 misused.`,
		Example: "  gowhisk run hello.js -p name Ada\n  gowhisk run ./my-action --watch -P params.json\n" +
			"  gowhisk run hello.py --kind python:3.12 --json | jq .duration",
		DisableFlagParsing: true, // -p has two values
	}
	flags := cmd.Flags()
	flags.StringVarP(&r.kind, "kind", "k", "", "`KIND` of the action, such as python or nodejs:22")
	flags.StringVar(&r.main, "main", "", "`NAME` of the entry point")
	flags.Int64VarP(&r.memory, "memory", "m", entity.DefaultLimits().Memory, "memory limit in `MB`")
	flags.Int64VarP(&r.timeout, "timeout", "t", entity.DefaultLimits().Timeout.Milliseconds(), "time limit in `ms`")
	flags.BoolVarP(&r.watch, "watch", "w", false, "run again on every change, until Ctrl-C")
	flags.BoolVar(&r.asJSON, "json", false, "print a record of each run as a line of JSON")
	flags.StringArrayP("param", "p", nil, "argument: `KEY VALUE`; the value is JSON or text")
	flags.StringArrayP("param-file", "P", nil, "`FILE` with a JSON object of arguments")
	cmd.RunE = func(cmd *cobra.Command, words []string) error {
		help, err := r.parse(flags, words)
		if help {
			return cmd.Help()
		}
		if err != nil {
			return misuse{err}
		}
		return r.run(cmd)
	}
	return cmd
}

// parse reads the command line; help says that it only asks for help.
func (r *runCommand) parse(flags *pflag.FlagSet, words []string) (help bool, err error) {
	rest, params, err := takeParameters(words)
	if err != nil {
		return false, err
	}
	if err := flags.Parse(rest); err != nil {
		return errors.Is(err, pflag.ErrHelp), err
	}
	if asked, err := flags.GetBool("help"); asked && err == nil {
		return true, nil
	}
	if flags.NArg() != 1 {
		return false, fmt.Errorf("run needs one file, archive or folder: gowhisk run FILE|ZIP|DIR, got %d", flags.NArg())
	}
	r.file, r.params = flags.Arg(0), params
	limits := entity.DefaultLimitRange()
	if r.memory < 1 || r.memory > limits.MaxMemory {
		return false, fmt.Errorf("--memory must be from 1 to %d MB", limits.MaxMemory)
	}
	if r.timeout < 1 {
		return false, errors.New("--timeout must be at least 1 ms")
	}
	return false, nil
}

func (r *runCommand) run(cmd *cobra.Command) (err error) {
	ctx := cmd.Context()
	source, err := r.load()
	if err != nil {
		return misuse{err}
	}
	if r.kind == "" {
		r.kind = source.Family
	}
	options, err := r.options(cmd)
	if err != nil {
		return err
	}
	running, err := runner.New(ctx, options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, running.Close(context.WithoutCancel(ctx))) }()
	if r.watch {
		return r.again(cmd, running, source)
	}
	ok, err := r.once(cmd, running, source)
	if err == nil && !ok {
		return exit(exitFailed)
	}
	return err
}

// load reads the source and checks what can be known before anything is started.
func (r *runCommand) load() (runner.Source, error) {
	source, err := runner.Load(r.file)
	if errors.Is(err, fs.ErrNotExist) {
		return source, fmt.Errorf("there is no file or folder %s", r.file)
	}
	if err != nil {
		return source, err
	}
	kind := cmp.Or(r.kind, source.Family)
	f, known := runtimes.FamilyOf(kind)
	switch {
	case kind == "":
		return source, fmt.Errorf("%s does not tell its language: say it with --kind, one of %s", r.file, strings.Join(familyNames(), ", "))
	case !known:
		return source, fmt.Errorf("--kind %s: kinds are %s, alone or with a version as in nodejs:20", kind, strings.Join(familyNames(), ", "))
	case f.RequireMain && r.main == "":
		return source, fmt.Errorf("actions of %s need --main: %s", f.Name, mainForm(f.Name))
	}
	return source, nil
}

func familyNames() []string {
	var names []string
	for _, f := range runtimes.Families() {
		names = append(names, f.Name)
	}
	return names
}

func mainForm(family string) string {
	if family == "dotnet" {
		return "Assembly::Namespace.Class::Method"
	}
	return "package.Class, or package.Class#method"
}

func (r *runCommand) options(cmd *cobra.Command) (runner.Options, error) {
	executable, err := os.Executable()
	if err != nil {
		return runner.Options{}, fmt.Errorf("find own program: %w", err)
	}
	limits := entity.DefaultLimits()
	limits.Memory, limits.Timeout = r.memory, time.Duration(r.timeout)*time.Millisecond
	return runner.Options{
		Kind: r.kind, Main: r.main, Limits: limits, Executable: executable, Cache: r.cache(),
		Lookup: runtimes.Search(r.env.Getenv("PATH"), r.env.Getenv("HOME")),
		Logger: slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	}, nil
}

// cache is the folder where compiled actions are kept, or empty.
func (r *runCommand) cache() string {
	if dir := r.env.Getenv("XDG_CACHE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "gowhisk", "run")
	}
	if home := r.env.Getenv("HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, ".cache", "gowhisk", "run")
	}
	return ""
}
