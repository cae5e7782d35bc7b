package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/gowhisk/gowhisk/internal/imagebuild"
)

// buildOptions are the flags of every command that writes an image.
type buildOptions struct {
	push, layout, tar string
	as                string // name in tar
	digestFile, cache string
	platforms         []string
	proxies           []string
	timeout           time.Duration
	quiet, asJSON     bool

	wanted []imagebuild.Platform // parsed platforms
}

func (o *buildOptions) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.push, "push", "", "push to this reference")
	flags.StringVar(&o.layout, "oci-dir", "", "write an OCI layout into this folder")
	flags.StringVar(&o.tar, "tar", "", "write a file for docker load")
	flags.StringVar(&o.as, "as", "", "name of the image in --tar (default: that of --push, else by what is built)")
	flags.StringVar(&o.digestFile, "digest-file", "", "write the digest into this file")
	flags.StringVar(&o.cache, "cache", "", "folder kept between builds (default: $XDG_CACHE_HOME/gowhisk)")
	flags.StringSliceVar(&o.platforms, "platform", nil, "platforms, such as linux/arm64 (default: all of the base that there is a proxy for)")
	flags.StringSliceVar(&o.proxies, "proxy", nil, "actionproxy for one architecture (default: actionproxy and actionproxy-linux-ARCH beside gowhisk)")
	flags.DurationVar(&o.timeout, "timeout", 30*time.Minute, "time that all of it may take")
	flags.BoolVarP(&o.quiet, "quiet", "q", false, "say nothing but the result")
	flags.BoolVar(&o.asJSON, "json", false, "print JSON")
}

// builder makes one with a folder for this command, which done removes.
func (o *buildOptions) builder(cmd *cobra.Command, env Env) (b *imagebuild.Builder, done func() error, err error) {
	if o.wanted, err = imagebuild.ParsePlatforms(o.platforms); err != nil {
		return nil, nil, misuse{err}
	}
	proxies := o.proxies
	if proxies == nil {
		program, err := os.Executable()
		if err != nil {
			return nil, nil, fmt.Errorf("find this program: %w", err)
		}
		proxies = imagebuild.ProxiesBeside(program)
	}
	work, err := os.MkdirTemp("", "gowhisk-build-")
	if err != nil {
		return nil, nil, fmt.Errorf("make a folder for the build: %w", err)
	}
	b = &imagebuild.Builder{Work: work, Cache: o.cacheDir(env), Proxies: proxies, Own: true, Environ: env.environ()}
	if !o.quiet {
		b.Say = func(format string, args ...any) { fmt.Fprintf(cmd.ErrOrStderr(), format+"\n", args...) }
	}
	return b, func() error { return os.RemoveAll(work) }, nil
}

func (o *buildOptions) cacheDir(env Env) string {
	switch {
	case o.cache != "":
		return o.cache
	case env.Getenv("XDG_CACHE_HOME") != "":
		return filepath.Join(env.Getenv("XDG_CACHE_HOME"), "gowhisk")
	case env.Getenv("HOME") != "":
		return filepath.Join(env.Getenv("HOME"), ".cache", "gowhisk")
	}
	return ""
}

// environ is the environment for other programs.
func (e Env) environ() []string {
	if e.Environ != nil {
		return e.Environ
	}
	var some []string
	for _, key := range []string{"PATH", "HOME"} {
		if value, ok := e.LookupEnv(key); ok {
			some = append(some, key+"="+value)
		}
	}
	return some
}

// built is what a command prints of an image.
type built struct {
	Digest    string   `json:"digest"`
	Reference string   `json:"reference,omitempty"`
	Platforms []string `json:"platforms"`
}

// run makes an image and writes it to every target that was asked for.
func (o *buildOptions) run(cmd *cobra.Command, env Env, name string, create func(context.Context, *imagebuild.Builder) (*imagebuild.Image, error)) (err error) {
	if o.push == "" && o.layout == "" && o.tar == "" {
		return misuse{errors.New("there is no target: use --push REFERENCE, --oci-dir FOLDER or --tar FILE")}
	}
	b, done, err := o.builder(cmd, env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	ctx, cancel := context.WithTimeoutCause(cmd.Context(), o.timeout, fmt.Errorf("it took longer than --timeout %s", o.timeout))
	defer cancel()
	image, err := create(ctx, b)
	if err != nil {
		return err
	}
	out, err := o.write(ctx, cmd, b, image, name)
	if err != nil {
		return err
	}
	if o.digestFile != "" {
		if err := os.WriteFile(o.digestFile, []byte(out.Digest), 0o644); err != nil {
			return fmt.Errorf("write the digest: %w", err)
		}
	}
	return out.print(cmd.OutOrStdout(), o.asJSON)
}

// write writes to files first: a failure of theirs leaves the registry as it was.
func (o *buildOptions) write(ctx context.Context, cmd *cobra.Command, b *imagebuild.Builder, image *imagebuild.Image, name string) (built, error) {
	digest, err := image.Digest()
	if err != nil {
		return built{}, err
	}
	out := built{Digest: digest.String(), Platforms: image.Platforms()}
	if o.tar != "" {
		if err := image.WriteTar(o.tar, firstOf(o.as, o.push, imagebuild.LocalName(name))); err != nil {
			return built{}, err
		}
	}
	if o.layout != "" {
		if err := image.WriteLayout(o.layout); err != nil {
			return built{}, err
		}
	}
	if o.push != "" {
		bar := newBar(cmd.ErrOrStderr(), o.quiet)
		out.Reference, err = b.Push(ctx, image, o.push, bar.tell())
		bar.end()
	}
	return out, err
}

func (b built) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(b)
	}
	_, err := fmt.Fprintln(w, firstOf(b.Reference, b.Digest))
	return err
}
