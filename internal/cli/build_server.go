package cli

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/gowhisk/gowhisk/internal/imagebuild"
)

func newBuildServer(env Env) *cobra.Command {
	spec := imagebuild.ServerSpec{Version: env.Version}
	var o buildOptions
	cmd := &cobra.Command{
		Use:   "server",
		Short: "Build the image of this server, for the chart",
		Long: `Builds the image that the chart gowhisk installs: gowhisk, actionproxy, and the
roots that certificates are checked with. There is nothing else in it, no shell
either, and its user is 65532. The image is for the architecture of this program,
or for all that --binary and --proxy name programs for.`,
		Example: `  gowhisk build server --push registry.internal/gowhisk:1
  helm install owdev charts/gowhisk --set image.repository=registry.internal/gowhisk,image.tag=1`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if spec.Binaries == nil {
				program, err := os.Executable()
				if err != nil {
					return fmt.Errorf("find this program: %w", err)
				}
				spec.Binaries = []string{program}
			}
			return o.run(cmd, env, "gowhisk", func(_ context.Context, b *imagebuild.Builder) (*imagebuild.Image, error) {
				spec.Platforms = o.wanted
				return b.Server(spec)
			})
		},
	}
	cmd.Flags().StringSliceVar(&spec.Binaries, "binary", nil, "gowhisk for one architecture (default: this program)")
	o.add(cmd)
	return cmd
}
