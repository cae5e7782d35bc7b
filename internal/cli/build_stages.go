package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/gowhisk/gowhisk/internal/imagebuild"
)

func newBuildRuntime(env Env) *cobra.Command {
	var spec imagebuild.RuntimeSpec
	var o buildOptions
	cmd := &cobra.Command{
		Use:   "runtime --kind KIND --base IMAGE",
		Short: "Build a runtime image: any base and gowhisk's proxy",
		Long: `Builds stage one: the base brings the interpreter, one layer more the proxy and
its launchers. Without code the image is a stem cell, which takes its action from
the first request; "gowhisk build" puts an action on it.`,
		Example: "  gowhisk build runtime --kind nodejs:20 --base node:20-slim --push registry.internal/nodejs:20",
		Args:    args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if spec.Base == "" || spec.Kind == "" {
				return misuse{errors.New("a runtime needs --kind and --base")}
			}
			return o.run(cmd, env, "runtime-"+spec.Kind, func(ctx context.Context, b *imagebuild.Builder) (*imagebuild.Image, error) {
				spec.Platforms = o.wanted
				return b.Runtime(ctx, spec)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&spec.Kind, "kind", "", "kind, such as nodejs:20")
	flags.StringVar(&spec.Base, "base", "", "image with the interpreter, the folder of an OCI layout, or scratch")
	flags.StringVar(&spec.Serve, "serve", "knative", "what the image speaks by default: knative or openwhisk")
	flags.StringVar(&spec.User, "user", "", "user of the container (default: that of the base, else 65532)")
	flags.BoolVar(&spec.Debug, "debug", false, "let the proxy trace")
	o.add(cmd)
	return cmd
}

func newBuildShim(env Env) *cobra.Command {
	var spec imagebuild.ShimSpec
	var o buildOptions
	cmd := &cobra.Command{
		Use:   "shim IMAGE",
		Short: "Put gowhisk's proxy in front of an OpenWhisk runtime, for Knative",
		Long: `Takes an image that answers /init and /run, whoever made it, and adds one layer
with the proxy, which starts the image's own command and talks to it. The image
needs no shell.`,
		Example: "  gowhisk build shim openwhisk/action-nodejs-v20 --push registry.internal/nodejs-knative:20",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, words []string) error {
			spec.Image = words[0]
			return o.run(cmd, env, firstOf(spec.Name, "shim"), func(ctx context.Context, b *imagebuild.Builder) (*imagebuild.Image, error) {
				spec.Platforms = o.wanted
				return b.Shim(ctx, spec)
			})
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&spec.Port, "port", 8080, "port of the image's own program")
	flags.IntVar(&spec.Listen, "listen", 8090, "port of the proxy; the same as --port if the program obeys PORT")
	flags.StringVar(&spec.Name, "name", "", "the image holds this one action; without, the first request brings one")
	o.add(cmd)
	return cmd
}

func newBuildRebase(env Env) *cobra.Command {
	var onto string
	var o buildOptions
	cmd := &cobra.Command{
		Use:     "rebase IMAGE --onto RUNTIME",
		Short:   "Move a built action onto another runtime image, without building",
		Example: "  gowhisk build rebase registry.internal/hello:1 --onto registry.internal/nodejs:20.1 --push registry.internal/hello:1",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, words []string) error {
			if onto == "" {
				return misuse{errors.New("there is no runtime: name it with --onto")}
			}
			return o.run(cmd, env, "rebased", func(ctx context.Context, b *imagebuild.Builder) (*imagebuild.Image, error) {
				return b.Rebase(ctx, words[0], onto, o.wanted)
			})
		},
	}
	cmd.Flags().StringVar(&onto, "onto", "", "runtime image")
	o.add(cmd)
	return cmd
}
