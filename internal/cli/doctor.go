package cli

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// grade is the outcome of a check.
type grade string

const (
	good    grade = "ok"
	warning grade = "warn"
	blocks  grade = "fail" // the server would not start or would run nothing
)

// check is one finding of doctor, in plain sentences. Why and Next are empty
// if all is well.
type check struct {
	Name  string   `json:"name"`
	Grade grade    `json:"grade"`
	Code  string   `json:"code,omitempty"`
	What  string   `json:"what"`
	Why   string   `json:"why,omitempty"`
	Next  []string `json:"next,omitempty"`
}

func newDoctor(env Env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check this machine and say what to do about what is missing",
		Long: `Checks by doing what serve would do: isolation, kinds, the data directory, the
port and the limits of this process.

Exit status: 0 nothing blocks, 1 something does, 2 misused.`,
		Example: "  gowhisk doctor\n  gowhisk doctor --json | jq '.[] | select(.grade != \"ok\")'",
		Args:    args(cobra.NoArgs),
	}
	s := addSettings(cmd, env, forDoctor)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := s.load(cmd)
		if err != nil {
			return err
		}
		checks := examine(cmd.Context(), c, env)
		if err := writeChecks(cmd.OutOrStdout(), checks, asJSON); err != nil {
			return err
		}
		for _, found := range checks {
			if found.Grade == blocks {
				return exit(exitFailed)
			}
		}
		return nil
	}
	return cmd
}

func writeChecks(w io.Writer, checks []check, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(checks)
	}
	for _, c := range checks {
		code := ""
		if c.Code != "" {
			code = " [" + c.Code + "]"
		}
		fmt.Fprintf(w, "%-4s  %-10s %s%s\n", c.Grade, c.Name, c.What, code)
		if c.Why != "" {
			fmt.Fprintf(w, "      why        %s\n", c.Why)
		}
		label := "next"
		for _, next := range c.Next {
			fmt.Fprintf(w, "      %-10s %s\n", label, next)
			label = ""
		}
	}
	return nil
}
