package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/protocol"
)

// The platforms.
const (
	openwhisk = "openwhisk"
	knative   = "knative"
	shim      = "shim"
)

// Where an image has what is baked in.
const (
	actionFile = "/.whisk/action.json"
	shimFile   = "/.whisk/shim.json"

	launcherFolder = "/.whisk/launchers"
)

// The variables that actions do not see.
const (
	gatewayKey = "OW_GATEWAY_KEY"
	reportFile = "OW_REPORT_FILE"
)

// settings come from flags and from the environment of an image.
type settings struct {
	listen, platform, kind      string
	reinit, logInitError, debug bool
	action                      *actionproxy.Action // baked in; nil if there is none
	defaults                    actionproxy.Action  // of an action that comes later
	concurrency                 int                 // 0 for no limit
	shim                        actionproxy.Shim
	launchers                   string // a folder of the image that has them; may be empty
	gatewayKey                  string
	home                        *actionproxy.HomeOptions // nil if there is nobody to report to
	environ                     []string                 // for actions
}

func parse(args, environ []string, usage io.Writer) (settings, error) {
	env := environment(environ)
	s := settings{
		reinit: env["PROXY_ALLOW_REINIT"] == "1", logInitError: env["OW_LOG_INIT_ERROR"] != "", debug: isTrue(env["OW_RUNTIME_DEBUG"]),
		gatewayKey: env[gatewayKey],
		environ: slices.DeleteFunc(slices.Clone(environ), func(e string) bool {
			return strings.HasPrefix(e, gatewayKey+"=") || strings.HasPrefix(e, reportFile+"=")
		}),
	}
	var action, shimPath string
	flags := flag.NewFlagSet("actionproxy", flag.ContinueOnError)
	flags.SetOutput(usage)
	flags.StringVar(&s.listen, "listen", ":"+or(env["PORT"], "8080"), "`HOST:PORT` to serve on")
	flags.StringVar(&s.platform, "platform", or(env["__OW_RUNTIME_PLATFORM"], env["OW_RUNTIME_PLATFORM"], openwhisk), "openwhisk, knative or shim")
	flags.StringVar(&s.kind, "kind", "", "`KIND` of the action, such as nodejs:20, python or blackbox")
	flags.StringVar(&action, "action", env["OW_ACTION_FILE"], "`FILE` of the action that is baked in ("+actionFile+", if it is there)")
	flags.StringVar(&shimPath, "shim", env["OW_SHIM_FILE"], "`FILE` that says what the platform shim is in front of ("+shimFile+")")
	flags.StringVar(&s.launchers, "launchers", env["OW_LAUNCHERS"], "`FOLDER` with the launchers ("+launcherFolder+", if it is there; else they are written)")
	if err := flags.Parse(args); err != nil {
		return settings{}, err
	}
	if flags.NArg() > 0 {
		return settings{}, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if !slices.Contains([]string{openwhisk, knative, shim}, s.platform) {
		return settings{}, exitError{fmt.Errorf("platform %q is not supported: use openwhisk, knative or shim", s.platform), unsupportedPlatform}
	}
	if err := s.readFiles(action, shimPath); err != nil {
		return settings{}, err
	}
	if err := s.readHome(env[reportFile]); err != nil {
		return settings{}, err
	}
	return s, s.apply(env)
}

// readFiles reads what is baked in. A file that was not asked for may be absent.
func (s *settings) readFiles(action, shimPath string) error {
	var err error
	s.action, err = actionproxy.ReadAction(or(action, actionFile))
	if err != nil && (action != "" || !errors.Is(err, fs.ErrNotExist)) {
		return err
	}
	if err != nil {
		s.action = nil
	}
	if info, err := os.Stat(launcherFolder); s.launchers == "" && err == nil && info.IsDir() {
		s.launchers = launcherFolder
	}
	if s.platform == shim {
		if s.shim, err = actionproxy.ReadShim(or(shimPath, shimFile)); err != nil {
			return err
		}
		if s.shim.Port == 0 {
			s.shim.Port = 8080
			if _, port, err := net.SplitHostPort(s.listen); err == nil && port == "8080" {
				s.shim.Port = 8081
			}
		}
		return nil
	}
	if s.kind == "" && s.action != nil {
		s.kind = s.action.Kind
	}
	if s.kind == "" {
		return errors.New("no kind: say which with --kind, for example --kind nodejs:20")
	}
	return nil
}

// readHome reads whom to report to, if there is somebody.
func (s *settings) readHome(file string) error {
	if file == "" || s.gatewayKey == "" {
		return nil
	}
	home, err := actionproxy.ReadHome(file)
	if err != nil {
		return err
	}
	home.Key, s.home = s.gatewayKey, &home
	return nil
}

// apply lets the environment say more of the action than the image does.
func (s *settings) apply(env map[string]string) error {
	a := s.action
	if a == nil {
		a = &s.defaults
	}
	if methods := strings.FieldsFunc(strings.ToUpper(env["OW_HTTP_METHODS"]), func(r rune) bool { return strings.ContainsRune(", []\"'", r) }); len(methods) > 0 {
		a.Methods = methods
	}
	if err := a.CheckMethods(); err != nil {
		return fmt.Errorf("OW_HTTP_METHODS: %w", err)
	}
	if isTrue(env["OW_ACTION_RAW"]) {
		for _, key := range []string{"web-export", "raw-http"} {
			a.Annotations = append(a.Annotations, actionproxy.KeyValue{Key: key, Value: []byte("true")})
		}
	}
	s.concurrency = 1
	if a.Limits.Concurrency != nil {
		s.concurrency = *a.Limits.Concurrency
	} else if env[protocol.EnvAllowConcurrent] == "true" {
		s.concurrency = 0
	}
	if text := env["OW_CONTAINER_CONCURRENCY"]; text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return fmt.Errorf("OW_CONTAINER_CONCURRENCY=%s is no number of requests", text)
		}
		s.concurrency = n
	}
	return nil
}

func (s settings) log(w *os.File) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// or is the first that is not empty.
func or(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func isTrue(v string) bool { return v == "1" || strings.EqualFold(v, "true") }

func environment(environ []string) map[string]string {
	env := make(map[string]string, len(environ))
	for _, entry := range environ {
		if key, value, ok := strings.Cut(entry, "="); ok {
			env[key] = value
		}
	}
	return env
}
