package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/imagebuild"
)

// actionFlags are what a build knows of the action. Those that the Knative-build prototype had as
// parameters have its variables as defaults.
type actionFlags struct {
	name, version, kind, main, base, serve, user string
	methods                                      []string
	annotations                                  map[string]string
	web, raw, debug, noInstall, scripts          bool
}

func newBuild(env Env) *cobra.Command {
	var f actionFlags
	var c clusterFlags
	var o buildOptions
	cmd := &cobra.Command{
		Use:   "build SOURCE",
		Short: "Build the image of an action, for Knative and OpenWhisk",
		Long: `Builds an OCI image: the runtime image, a layer of dependencies and a layer of
code. It needs no Docker, and the same input has the same digest everywhere.

SOURCE is a file of code, a zip or tar.gz archive, a folder, or the URL of a git
repository with #REVISION or #REVISION:FOLDER. npm or pip of this machine install
what package.json or requirements.txt of a folder name. Source of Go, Rust, Swift,
Java and .NET is compiled by the compiler of this machine, or with --tekton by the
cluster's.

The base is a runtime image ("gowhisk build runtime"), any other image that has
the interpreter, the folder of an OCI layout, or scratch. Credentials for
registries are those of docker login.

The variables OW_ACTION_NAME, OW_ACTION_CODE, OW_ACTION_MAIN, OW_ACTION_BINARY,
OW_ACTION_RAW, OW_ACTION_VERSION, OW_ACTION_ANNOTATIONS (a JSON object),
OW_HTTP_METHODS, OW_PROJECT_URL, OW_RUNTIME_KIND, OW_RUNTIME_PLATFORM and
OW_RUNTIME_DEBUG stand in for SOURCE and flags that are not given.`,
		Example: `  gowhisk build hello.js --base registry.internal/nodejs:20 --push registry.internal/hello:1
  gowhisk build https://git.internal/shop.git#v2:cart --kind nodejs:20 --base node:20-slim --oci-dir out
  gowhisk build hello.js --tekton --builder registry.internal/gowhisk --base … --push … | kubectl apply -f -`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, words []string) error {
			spec, err := f.spec(env, cmd, words)
			if err != nil {
				return err
			}
			if c.tekton || c.shipwright {
				return c.print(cmd, &o, env, spec)
			}
			return o.run(cmd, env, spec.Name, func(ctx context.Context, b *imagebuild.Builder) (*imagebuild.Image, error) {
				spec.Platforms = o.wanted
				return b.Action(ctx, spec)
			})
		},
	}
	f.add(cmd)
	c.add(cmd)
	o.add(cmd)
	cmd.AddCommand(newBuildRuntime(env), newBuildShim(env), newBuildRebase(env), newBuildServer(env))
	return cmd
}

func (f *actionFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.name, "name", "", "name of the action (default: that of the source) [OW_ACTION_NAME]")
	flags.StringVar(&f.version, "version", "", "version of the action [OW_ACTION_VERSION]")
	flags.StringVar(&f.kind, "kind", "", "kind, such as nodejs:20 (default: by base and source) [OW_RUNTIME_KIND]")
	flags.StringVar(&f.main, "main", "", "entry point [OW_ACTION_MAIN]")
	flags.StringVar(&f.base, "base", "", "image to build on: reference, folder of an OCI layout, or scratch")
	flags.StringVar(&f.serve, "serve", "", "what the image speaks by default: knative or openwhisk [OW_RUNTIME_PLATFORM]")
	flags.StringVar(&f.user, "user", "", "user of the container (default: that of the base, else 65532)")
	flags.StringSliceVar(&f.methods, "methods", nil, "HTTP methods that reach the action [OW_HTTP_METHODS]")
	flags.StringToStringVarP(&f.annotations, "annotation", "a", nil, "annotation KEY=JSON of the action [OW_ACTION_ANNOTATIONS]")
	flags.BoolVar(&f.web, "web", false, "a web action")
	flags.BoolVar(&f.raw, "raw", false, "a raw web action [OW_ACTION_RAW]")
	flags.BoolVar(&f.debug, "debug", false, "let the proxy trace [OW_RUNTIME_DEBUG]")
	flags.BoolVar(&f.noInstall, "no-install", false, "take a folder as it is, install nothing")
	flags.BoolVar(&f.scripts, "scripts", false, "let packages run their scripts while they are installed, on this machine")
}

// spec joins flags, variables and the argument.
func (f *actionFlags) spec(env Env, cmd *cobra.Command, words []string) (imagebuild.ActionSpec, error) {
	spec := imagebuild.ActionSpec{
		Name: firstOf(f.name, env.Getenv("OW_ACTION_NAME")), Version: firstOf(f.version, env.Getenv("OW_ACTION_VERSION")),
		Kind: firstOf(f.kind, env.Getenv("OW_RUNTIME_KIND")), Main: firstOf(f.main, env.Getenv("OW_ACTION_MAIN")),
		Base: f.base, Serve: firstOf(f.serve, env.Getenv("OW_RUNTIME_PLATFORM")), User: f.user, Methods: f.methods,
		Debug: f.debug || env.Getenv("OW_RUNTIME_DEBUG") == "true", Install: !f.noInstall, Scripts: f.scripts,
	}
	if len(words) > 0 {
		spec.Source = words[0]
	} else {
		spec.Source, spec.Code = env.Getenv("OW_PROJECT_URL"), env.Getenv("OW_ACTION_CODE")
		spec.Binary = env.Getenv("OW_ACTION_BINARY") == "true"
	}
	switch {
	case spec.Source == "" && spec.Code == "":
		return spec, misuse{errors.New("there is no source: name a file, archive, folder or git repository")}
	case spec.Source != "" && spec.Code != "":
		return spec, misuse{errors.New("OW_PROJECT_URL and OW_ACTION_CODE are two sources: unset one")}
	case spec.Base == "":
		return spec, misuse{noBase(spec)}
	case spec.Serve != "" && spec.Serve != "knative" && spec.Serve != "openwhisk":
		return spec, misuse{fmt.Errorf("platform %q is not supported: use knative or openwhisk", spec.Serve)}
	}
	if !cmd.Flags().Changed("methods") {
		spec.Methods = strings.FieldsFunc(env.Getenv("OW_HTTP_METHODS"), func(r rune) bool { return strings.ContainsRune(" ,[]", r) })
	}
	var err error
	spec.Methods, err = imagebuild.Methods(spec.Methods)
	if err != nil {
		return spec, misuse{err}
	}
	spec.Annotations, err = f.keyValues(f.raw || env.Getenv("OW_ACTION_RAW") == "true", env.Getenv("OW_ACTION_ANNOTATIONS"))
	return spec, err
}

// noBase suggests one.
func noBase(spec imagebuild.ActionSpec) error {
	if base := imagebuild.SuggestedBase(spec); base != "" {
		return fmt.Errorf("there is no base: name a runtime image with --base, an image with the interpreter such as %s, or scratch", base)
	}
	return errors.New("there is no base: name a runtime image with --base, or scratch")
}

// keyValues are the annotations in order, as the order is part of the image. Those of flags replace
// those of the object.
func (f *actionFlags) keyValues(raw bool, object string) (actionproxy.KeyValues, error) {
	given := map[string]string{}
	if object != "" {
		var values map[string]json.RawMessage
		if err := json.Unmarshal([]byte(object), &values); err != nil {
			return nil, misuse{fmt.Errorf("OW_ACTION_ANNOTATIONS is no JSON object: %w", err)}
		}
		for key, value := range values {
			given[key] = string(value)
		}
	}
	for key, value := range f.annotations {
		given[key] = value
	}
	if f.web || raw {
		given["web-export"] = "true"
	}
	if raw {
		given["raw-http"] = "true"
	}
	kv, err := imagebuild.Annotations(given)
	if err != nil {
		return nil, misuse{err}
	}
	return kv, nil
}
