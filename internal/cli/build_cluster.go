package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/gowhisk/gowhisk/internal/imagebuild"
)

// clusterFlags ask for the objects of a build instead of building.
type clusterFlags struct {
	tekton, shipwright         bool
	builder, secret, namespace string
}

func (c *clusterFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&c.tekton, "tekton", false, "print a Task, Pipeline and TaskRun that build in a cluster")
	flags.BoolVar(&c.shipwright, "shipwright", false, "print a BuildStrategy, Build and BuildRun that build in a cluster")
	flags.StringVar(&c.builder, "builder", "", "image with gowhisk and actionproxy, for --tekton and --shipwright")
	flags.StringVar(&c.secret, "secret", "", "Secret with the credentials for the registry (default: one without any is printed)")
	flags.StringVarP(&c.namespace, "namespace", "n", "", "namespace of the objects")
}

// print writes the objects of a build.
func (c *clusterFlags) print(cmd *cobra.Command, o *buildOptions, env Env, action imagebuild.ActionSpec) (err error) {
	if c.tekton && c.shipwright {
		return misuse{errors.New("--tekton and --shipwright are two kinds of cluster: choose one")}
	}
	if c.builder == "" || o.push == "" {
		return misuse{errors.New("a build in a cluster needs --builder IMAGE and --push REFERENCE")}
	}
	b, done, err := o.builder(cmd, env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	spec := imagebuild.ClusterSpec{ActionSpec: action, Image: o.push, Builder: c.builder, Namespace: c.namespace, Secret: c.secret}
	write := b.Tekton
	if c.shipwright {
		write = b.Shipwright
	}
	text, err := write(spec)
	if err != nil {
		return err
	}
	_, err = cmd.OutOrStdout().Write(text)
	return err
}
