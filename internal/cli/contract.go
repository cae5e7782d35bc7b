package cli

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/gowhisk/gowhisk/internal/protocol/protocoltest"
)

// contract are the flags of the command.
type contract struct {
	url, kind, platform string
	launch              bool
	patience            time.Duration
	asJSON, all         bool
	environ             []string // of what is launched; nil for that of this process
}

func newContract(env Env) *cobra.Command {
	c := contract{environ: env.Environ}
	cmd := &cobra.Command{
		Use:   "contract (--url URL | --launch CMD [ARG...])",
		Short: "Certify a runtime: say which clauses of the contract it keeps",
		Long: `Speaks to an action runtime as the platform does, clause by clause, and prints
the clauses that it does not keep.

--launch starts CMD once for every group of clauses, with a free PORT in its
environment ({port} in an argument is replaced by it, too), waits until it
listens, and ends it. --url takes a runtime that runs already and has no action
yet: it can be initialized once, so that only one group is tried, and its logs
are not seen. The runtime gets the samples of --kind.

Exit status: 0 every clause that applies is kept, 1 one is not, 2 misused.`,
		Example: "  gowhisk contract --kind python --launch actionproxy --kind python\n" +
			"  gowhisk contract --platform knative --launch actionproxy --kind nodejs\n" +
			"  docker run -d -p 8080:8080 my/runtime && gowhisk contract --kind php --url http://127.0.0.1:8080",
	}
	flags := cmd.Flags()
	flags.SetInterspersed(false)
	flags.StringVar(&c.url, "url", "", "certify the runtime that listens at `URL`")
	flags.BoolVar(&c.launch, "launch", false, "certify the runtime that the command after the flags starts")
	flags.StringVar(&c.kind, "kind", "nodejs", "`KIND` whose samples the runtime is given")
	flags.StringVar(&c.platform, "platform", protocoltest.OpenWhisk, "`PLATFORM` whose contract it is: openwhisk or knative")
	flags.DurationVar(&c.patience, "timeout", 10*time.Second, "longest `TIME` for one answer; an init has three times that")
	flags.BoolVarP(&c.all, "verbose", "v", false, "print every clause and what was seen")
	flags.BoolVar(&c.asJSON, "json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, words []string) error {
		launch, err := c.launcher(words)
		if err != nil {
			return misuse{err}
		}
		return c.certify(cmd, launch)
	}
	return cmd
}

// launcher returns how containers come into being.
func (c *contract) launcher(words []string) (func(context.Context, protocoltest.Start) (protocoltest.Container, error), error) {
	switch {
	case c.platform != protocoltest.OpenWhisk && c.platform != protocoltest.Knative:
		return nil, errors.New("--platform is openwhisk or knative")
	case c.patience <= 0:
		return nil, errors.New("--timeout is more than 0")
	case c.launch == (c.url != ""):
		return nil, errors.New("say what to certify: either --url URL or --launch CMD")
	case c.launch && len(words) == 0:
		return nil, errors.New("--launch needs the command that starts the runtime")
	case c.launch:
		return protocoltest.Command{Args: words, Env: c.environ, Patience: 3 * c.patience}.Launch, nil
	case len(words) > 0:
		return nil, errors.New("--url takes no command")
	}
	u, err := url.Parse(c.url)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("--url is http://HOST:PORT")
	}
	return protocoltest.At(c.url), nil
}

func (c *contract) certify(cmd *cobra.Command, launch func(context.Context, protocoltest.Start) (protocoltest.Container, error)) error {
	samples, err := protocoltest.SamplesOf(cmd.Context(), c.kind)
	if err != nil {
		return err
	}
	results, err := protocoltest.Certify(cmd.Context(), protocoltest.Options{Platform: c.platform, Samples: samples, Launch: launch, Patience: c.patience})
	if err != nil {
		return err
	}
	if c.asJSON {
		err = json.NewEncoder(cmd.OutOrStdout()).Encode(results)
	} else {
		err = protocoltest.Write(cmd.OutOrStdout(), results, c.all)
	}
	if err == nil && protocoltest.Failed(results) > 0 {
		return exit(exitFailed)
	}
	return err
}
