package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// newMan writes the reference of the command tree, so that packages and the
// website show what the program itself says.
func newMan() *cobra.Command {
	var markdown bool
	cmd := &cobra.Command{
		Use:     "man DIRECTORY",
		Short:   "Write the manual pages of every command",
		Example: "  gowhisk man /usr/local/share/man/man1\n  gowhisk man --markdown docs/reference",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, words []string) error {
			root := cmd.Root()
			root.DisableAutoGenTag = true // no date: the output is compared
			if err := os.MkdirAll(words[0], 0o755); err != nil {
				return fmt.Errorf("manual pages: %w", err)
			}
			if markdown {
				return doc.GenMarkdownTree(root, words[0])
			}
			return doc.GenManTree(root, &doc.GenManHeader{Title: "GOWHISK", Section: "1", Source: "gowhisk"}, words[0])
		},
	}
	cmd.Flags().BoolVar(&markdown, "markdown", false, "write markdown instead of manual pages")
	return cmd
}
