package cli

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// greeting is the same action in the languages that need no compiler.
func greeting(kind string) string {
	family, _, _ := strings.Cut(kind, ":")
	return map[string]string{
		"nodejs": `function main(args) { return {greeting: "Hello " + args.name + "!"} }`,
		"python": `def main(args): return {"greeting": "Hello " + args["name"] + "!"}`,
		"php":    `<?php function main(array $args) { return ["greeting" => "Hello " . $args["name"] . "!"]; }`,
		"ruby":   `def main(args) { "greeting" => "Hello #{args["name"]}!" } end`,
	}[family]
}

func newSmoke(env Env) *cobra.Command {
	var props wskProps
	var kind string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "smoke",
		Short: "Create, invoke and delete an action, and say how long each took",
		Long: `Checks a server from outside, as its users meet it: it creates an action, invokes
it, reads its activation and deletes it again. Server and key are those of wsk.

Exit status: 0 all was well, 1 something was not, 2 misused.`,
		Example: "  gowhisk smoke --apihost https://whisk.example --auth UUID:KEY --kind nodejs:20",
		Args:    args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := props.client(env)
			if err != nil {
				return err
			}
			c.http.Timeout = 0 // the context has one
			ctx, cancel := context.WithTimeoutCause(cmd.Context(), timeout, fmt.Errorf("it took longer than --timeout %s", timeout))
			defer cancel()
			return (&smoke{client: c, kind: kind, out: cmd.OutOrStdout()}).run(ctx)
		},
	}
	props.addFlags(cmd.Flags())
	cmd.Flags().StringVar(&kind, "kind", "", "kind of the action (default: one that the server has)")
	cmd.Flags().DurationVar(&timeout, "timeout", 3*time.Minute, "time that all of it may take")
	return cmd
}

// smoke is one check of a server.
type smoke struct {
	*client
	kind, name string
	out        io.Writer
	id         string // of the activation
}

func (s *smoke) run(ctx context.Context) error {
	s.name = "smoke-" + strings.ToLower(rand.Text()[:10])
	err := s.steps(ctx, []step{{"ping", s.ping}, {"find a kind", s.choose}, {"create", s.create}})
	if err != nil {
		return err
	}
	err = s.steps(ctx, []step{{"invoke", s.invoke}, {"read the activation", s.record}})
	return errors.Join(err, s.steps(context.WithoutCancel(ctx), []step{{"delete", s.remove}}))
}

type step struct {
	name string
	do   func(context.Context) error
}

func (s *smoke) steps(ctx context.Context, all []step) error {
	for _, step := range all {
		began := time.Now()
		if err := step.do(ctx); err != nil {
			if cause := context.Cause(ctx); cause != nil {
				err = cause
			}
			return fmt.Errorf("%s: %w", step.name, err)
		}
		fmt.Fprintf(s.out, "ok  %-20s %8.3f s\n", step.name, time.Since(began).Seconds())
	}
	return nil
}

// call sends a request and reads a JSON answer into it.
func (s *smoke) call(ctx context.Context, method, path, body string, into any) (int, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.base+path, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.SetBasicAuth(s.user, s.password)
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	const most = 1 << 20
	text, err := io.ReadAll(io.LimitReader(resp.Body, most))
	if err != nil {
		return resp.StatusCode, err
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		return resp.StatusCode, fmt.Errorf("%s answered %s: %s", s.base, resp.Status, text)
	}
	if into == nil {
		return resp.StatusCode, nil
	}
	return resp.StatusCode, json.Unmarshal(text, into)
}

func (s *smoke) ping(ctx context.Context) error {
	_, err := s.call(ctx, http.MethodGet, "/ping", "", nil)
	return err
}

// choose takes a default kind of the server that there is a greeting for.
func (s *smoke) choose(ctx context.Context) error {
	var info struct {
		Runtimes map[string][]struct {
			Kind    string
			Default bool
		}
	}
	if _, err := s.call(ctx, http.MethodGet, "/", "", &info); err != nil {
		return err
	}
	for _, family := range slices.Sorted(maps.Keys(info.Runtimes)) {
		for _, r := range info.Runtimes[family] {
			if greeting(r.Kind) != "" && (r.Kind == s.kind || s.kind == "" && r.Default) {
				s.kind = r.Kind
				return nil
			}
		}
	}
	return fmt.Errorf("the server has no kind %s that there is an action for here", s.kind)
}

func (s *smoke) path() string { return "/api/v1/namespaces/_/actions/" + s.name }

func (s *smoke) create(ctx context.Context) error {
	body, err := json.Marshal(map[string]any{"exec": map[string]string{"kind": s.kind, "code": greeting(s.kind)}})
	if err != nil {
		return err
	}
	_, err = s.call(ctx, http.MethodPut, s.path(), string(body), nil)
	return err
}

// invoke blocks as long as the server does; record waits for the rest.
func (s *smoke) invoke(ctx context.Context) error {
	var answer struct{ ActivationID string }
	_, err := s.call(ctx, http.MethodPost, s.path()+"?blocking=true", `{"name":"World"}`, &answer)
	s.id = answer.ActivationID
	return err
}

// record reads the activation, which may be on its way.
func (s *smoke) record(ctx context.Context) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		var a struct {
			Response struct{ Result json.RawMessage }
		}
		status, err := s.call(ctx, http.MethodGet, "/api/v1/namespaces/_/activations/"+s.id, "", &a)
		if err == nil {
			if want := `{"greeting":"Hello World!"}`; string(a.Response.Result) != want {
				return fmt.Errorf("the result is %s, not %s", a.Response.Result, want)
			}
			return nil
		}
		if status != http.StatusNotFound {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return err
		}
	}
}

func (s *smoke) remove(ctx context.Context) error {
	_, err := s.call(ctx, http.MethodDelete, s.path(), "", nil)
	return err
}
