package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
)

func newExplain(env Env) *cobra.Command {
	var props wskProps
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "explain [CODE|ACTIVATION]",
		Short: "Say what a failure means: what, why and what to do next",
		Long: `Explains a code such as GW2101 from the program itself, or a failed activation
from its record. The server and the key are those of wsk (~/.wskprops). Without
an argument it lists the codes.`,
		Example: "  gowhisk explain GW2101\n  gowhisk explain 0190c1f0a9b27c3e8d5f6a7b8c9d0e1f",
		Args:    args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, words []string) error {
			if len(words) == 0 {
				return listFaults(cmd.OutOrStdout(), asJSON)
			}
			if f, ok := fault.Explain(strings.ToUpper(words[0])); ok {
				return writeFault(cmd.OutOrStdout(), f, asJSON)
			}
			if !regexp.MustCompile(`^[0-9a-fA-F]{32}$`).MatchString(words[0]) {
				return misuse{fmt.Errorf("%q is neither a known code (GWnnnn) nor an activation id (32 hex digits)", words[0])}
			}
			client, err := props.client(env)
			if err != nil {
				return err
			}
			a, err := client.activation(cmd.Context(), words[0])
			if err != nil {
				return err
			}
			return writeActivation(cmd.OutOrStdout(), a, asJSON)
		},
	}
	props.addFlags(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func listFaults(w io.Writer, asJSON bool) error {
	if asJSON {
		var all []fault.Report
		for _, f := range fault.All() {
			all = append(all, f.Report("", nil))
		}
		return json.NewEncoder(w).Encode(all)
	}
	for _, f := range fault.All() {
		r := f.Report("", nil)
		if _, err := fmt.Fprintf(w, "%s  %-12s %s\n", r.Code, r.Whose, r.What); err != nil {
			return err
		}
	}
	return nil
}

func writeFault(w io.Writer, f fault.Fault, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(f.Report("", nil))
	}
	_, err := fmt.Fprintf(w, "%s\n  whose %s (%s)\n\n%s\n", f.Report("", nil), f.Whose, f.Component, f.Doc)
	return err
}

// writeActivation prints the explanation that the record carries in its
// annotation x-error, or that there is nothing to explain.
func writeActivation(w io.Writer, a *entity.Activation, asJSON bool) error {
	for _, p := range a.Annotations {
		if p.Key != "x-error" {
			continue
		}
		if asJSON {
			_, err := fmt.Fprintf(w, "%s\n", p.Value)
			return err
		}
		var r fault.Report
		if err := json.Unmarshal(p.Value, &r); err != nil {
			return fmt.Errorf("annotation x-error: %w", err)
		}
		if known, ok := fault.Explain(r.Code); ok && r.What == "" {
			r = known.Report(r.Why, map[string]string{"action": a.Name, "id": string(a.ID)})
		}
		_, err := fmt.Fprintf(w, "%s\n  id    %s (%s, %s)\n", r, a.ID, a.Name, a.Response.Status)
		return err
	}
	if a.Response.Status == entity.Success {
		_, err := fmt.Fprintf(w, "%s of %s succeeded in %s.\n", a.ID, a.Name, a.Duration)
		return err
	}
	_, err := fmt.Fprintf(w, "%s of %s: %s. The action answered:\n%s\n", a.ID, a.Name, a.Response.Status, a.Response.Result)
	return err
}
