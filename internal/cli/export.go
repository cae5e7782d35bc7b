package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/imagebuild"
)

func newExport(env Env) *cobra.Command {
	var props wskProps
	var knative bool
	var spec imagebuild.ServiceSpec
	var variables, scale map[string]string
	cmd := &cobra.Command{
		Use:   "export --knative ACTION --image IMAGE",
		Short: "Print the Knative Service of an action",
		Long: `Prints the Service that runs an action of the server as it is configured there:
its limits, parameters and annotations, with the image of its code that "gowhisk
build" made, by digest. Parameters are in a Secret beside it.`,
		Example: "  gowhisk export --knative shop/cart --image registry.internal/cart:3 | kubectl apply -f -",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, words []string) error {
			if !knative || spec.Image == "" {
				return misuse{errors.New("an export needs --knative and --image IMAGE")}
			}
			client, err := props.client(env)
			if err != nil {
				return err
			}
			if err := client.action(cmd.Context(), words[0], &spec); err != nil {
				return err
			}
			spec.Env, spec.Scale = imagebuild.Pairs(variables), scale
			var o buildOptions
			b, done, err := o.builder(cmd, env)
			if err != nil {
				return err
			}
			text, err := b.Service(cmd.Context(), spec)
			if err = errors.Join(err, done()); err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
	props.addFlags(cmd.Flags())
	flags := cmd.Flags()
	flags.BoolVar(&knative, "knative", false, "as a Service of serving.knative.dev/v1")
	flags.StringVar(&spec.Image, "image", "", "image that gowhisk built of the action")
	flags.StringVarP(&spec.Namespace, "namespace", "n", "", "namespace of the objects in the cluster")
	flags.StringToStringVar(&variables, "env", nil, "variable KEY=VALUE of the container")
	flags.StringToStringVar(&scale, "scale", nil, "annotation of autoscaling.knative.dev, such as min-scale=1")
	flags.BoolVar(&spec.Private, "private", false, "reachable inside the cluster only")
	return cmd
}

// action reads an action without its code. name is ACTION, PACKAGE/ACTION or /NAMESPACE/….
func (c *client) action(ctx context.Context, name string, into *imagebuild.ServiceSpec) error {
	namespace, path := "_", name
	if rest, ok := strings.CutPrefix(name, "/"); ok {
		namespace, path, _ = strings.Cut(rest, "/")
	}
	if path == "" || strings.Count(path, "/") > 1 || strings.ContainsAny(name, "?#%") {
		return misuse{fmt.Errorf("%q is not the name of an action: ACTION, PACKAGE/ACTION or /NAMESPACE/PACKAGE/ACTION", name)}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/api/v1/namespaces/"+namespace+"/actions/"+path+"?code=false", nil)
	if err != nil {
		return fmt.Errorf("read action: %w", err)
	}
	req.SetBasicAuth(c.user, c.password)
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("read action: %w", err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusUnauthorized:
		return fault.New(fault.BadKey, "", nil, nil)
	case http.StatusNotFound:
		return fmt.Errorf("%s has no action %s", c.base, name)
	default:
		return fmt.Errorf("read action: %s answered %s", c.base, resp.Status)
	}
	var got struct {
		Namespace, Name, Version string
		Parameters, Annotations  actionproxy.KeyValues
		Limits                   struct {
			Timeout, Logs, Concurrency *int
			Memory                     int
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		return fmt.Errorf("read action: %w", err)
	}
	owner, pkg, _ := strings.Cut(got.Namespace, "/")
	into.Action = actionproxy.Action{
		Namespace: owner, Package: pkg, Name: got.Name, Version: got.Version,
		Parameters: got.Parameters, Annotations: got.Annotations,
		Limits: actionproxy.ActionLimits{Timeout: got.Limits.Timeout, Logs: got.Limits.Logs, Concurrency: got.Limits.Concurrency},
	}
	into.MemoryMB = got.Limits.Memory
	return nil
}
