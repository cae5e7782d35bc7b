package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gowhisk/gowhisk/internal/admin"
	"github.com/gowhisk/gowhisk/internal/server"
)

func newAdmin(env Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "admin [--data-dir DIR] user|limits …",
		Short: "Administer users and limits, with the commands of wskadmin",
		Long: "Administers the users and limits of a data directory, through its server if one\nruns.\n\n" +
			admin.Usage + "\nExit status: 0 done, 1 refused, 2 misused.",
		Example: "  gowhisk admin user create alice-01\n  gowhisk admin limits set guest --invocationsPerMinute 600",
	}
	s := addSettings(cmd, env, onlyDataDir)
	// What follows the first word belongs to the command of wskadmin.
	cmd.Flags().SetInterspersed(false)
	cmd.RunE = func(cmd *cobra.Command, words []string) error {
		words, err := takeOwnFlags(cmd, words)
		if err != nil {
			return err
		}
		if slices.Contains(words, "--help") || slices.Contains(words, "-h") {
			return cmd.Help()
		}
		c, err := s.load(cmd)
		if err != nil {
			return err
		}
		stdout, stderr := cmd.OutOrStdout(), cmd.ErrOrStderr()
		code, err := admin.Send(cmd.Context(), c.DataDir, words, stdout, stderr)
		if !errors.Is(err, admin.ErrNoServer) {
			return done(code, err)
		}
		subjects, closeStore, err := server.OpenSubjects(cmd.Context(), c.DataDir)
		if err != nil {
			return fmt.Errorf("no server runs, and the store does not open: %w", err)
		}
		code = admin.Run(cmd.Context(), subjects, words, stdout, stderr)
		return done(code, closeStore())
	}
	return cmd
}

// takeOwnFlags sets the flags of cmd that come behind the first word, where
// they may stand as well, and returns the other words.
func takeOwnFlags(cmd *cobra.Command, words []string) ([]string, error) {
	var rest []string
	for i := 0; i < len(words); i++ {
		name, value, hasValue := strings.Cut(words[i], "=")
		if name != "--data-dir" && name != "--config" {
			rest = append(rest, words[i])
			continue
		}
		if !hasValue {
			if i++; i == len(words) {
				return nil, misuse{fmt.Errorf("flag needs an argument: %s", name)}
			}
			value = words[i]
		}
		if err := cmd.Flags().Set(name[2:], value); err != nil {
			return nil, misuse{err}
		}
	}
	return rest, nil
}

// done is the end of a command that chose its own exit code.
func done(code int, err error) error {
	if err != nil || code == exitOK {
		return err
	}
	return exit(code)
}
