package cli

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"os"
	"runtime/debug"

	"github.com/lmittmann/tint"
	"github.com/spf13/cobra"

	"github.com/gowhisk/gowhisk/internal/config"
	"github.com/gowhisk/gowhisk/internal/server"
)

func newServe(env Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the API and run actions on this machine",
		Long: `Serves the API of OpenWhisk and runs actions in sandboxes on this machine, until
SIGINT or SIGTERM: then it stops accepting, lets what is in flight end, and
stops. A second signal ends it at once.

Every setting is a flag, an environment variable (in brackets) and a key of the
settings file; a flag wins over the environment, the environment over the file.

Exit status: 0 stopped in order, 1 failed, 2 misused, 3 the port is taken.`,
		Example: "  gowhisk serve\n  gowhisk serve --listen 0.0.0.0:443 --tls-self-signed\n  GOWHISK_POOL_MEMORY=8GB gowhisk serve --json",
		Args:    args(cobra.NoArgs),
	}
	s := addSettings(cmd, env, allSettings)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := s.load(cmd)
		if err != nil {
			return err
		}
		log, err := newLogger(cmd.ErrOrStderr(), c, env)
		if err != nil {
			return err
		}
		if err := boundMemory(); err != nil {
			return err
		}
		err = server.Run(cmd.Context(), c, server.Options{
			Version: env.Version,
			Log:     log,
			Path:    env.Getenv("PATH"),
			Home:    env.Getenv("HOME"),
			Ready: func(s server.Summary) error {
				if c.JSON {
					return s.WriteJSON(cmd.OutOrStdout())
				}
				return s.WriteText(cmd.OutOrStdout(), colored(cmd.OutOrStdout(), env))
			},
		})
		if cmd.Context().Err() != nil && errors.Is(err, context.Canceled) {
			return nil // told to stop before it was ready
		}
		return err
	}
	return cmd
}

// boundMemory has the garbage collector work harder before the server takes
// more than five eighths of the memory that it may count on, unless GOMEMLIMIT
// says what the bound is. Large bodies at once would have it killed otherwise.
func boundMemory() error {
	memory, err := config.MachineMemory()
	if err == nil && debug.SetMemoryLimit(-1) == math.MaxInt64 {
		debug.SetMemoryLimit(memory / 8 * 5)
	}
	return err
}

// newLogger writes JSON where asked to, colours on a terminal, and plain
// key=value lines elsewhere.
func newLogger(w io.Writer, c config.Config, env Env) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		return nil, misuse{err}
	}
	options := &slog.HandlerOptions{Level: level}
	switch {
	case c.JSON:
		return slog.New(slog.NewJSONHandler(w, options)), nil
	case colored(w, env):
		return slog.New(tint.NewTextHandler(w, &tint.Options{Level: level, TimeFormat: "15:04:05.000"})), nil
	}
	return slog.New(slog.NewTextHandler(w, options)), nil
}

// colored reports whether w is a terminal whose user did not refuse colours.
func colored(w io.Writer, env Env) bool {
	f, ok := w.(*os.File)
	if !ok || env.Getenv("NO_COLOR") != "" || env.Getenv("TERM") == "dumb" || env.Getenv("CI") != "" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
