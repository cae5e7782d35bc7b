package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Validate reports everything that is wrong at once, each by its path in
// the file.
func (c *Config) Validate() error {
	return errors.Join(
		address("listen", c.Listen),
		optional("pprof", c.Pprof, address),
		required("dataDir", c.DataDir),
		optional("webHost", c.WebHost, hostName),
		oneOf("logLevel", c.Level, "debug", "info", "warn", "error"),
		oneOf("isolation", c.Isolation, "auto", "full", "rootless", "landlock", "none"),
		oneOf("backend", c.Backend, "local", "knative"),
		c.Knative.validate(c.Backend == "knative"),
		oneOf("egress.policy", c.Egress.Policy, "public", "none"),
		oneOf("bootstrap.keys", c.Bootstrap.Keys, "auto", "public", "random"),
		atLeast("drain", c.Drain, 0),
		optional("publicURL", c.PublicURL, webURL),
		c.Limits.validate(),
		atLeast("pool.memory", c.Pool.Memory, 128*MB),
		atLeast("pool.pauseGrace", c.Pool.PauseGrace, 0),
		atLeast("pool.idleTimeout", c.Pool.IdleTimeout, 0),
		atLeast("retention.age", c.Retention.Age, 0),
		atLeast("retention.size", c.Retention.Size, 0),
		c.TLS.validate(),
		c.Pool.validate(),
		c.Egress.validate(),
		c.Bootstrap.validate(),
	)
}

func (t TLS) validate() error {
	switch {
	case (t.Cert == "") != (t.Key == ""):
		return errors.New("tls: cert and key belong together: give both or neither")
	case t.SelfSigned && t.Cert != "":
		return errors.New("tls: selfSigned and cert exclude one another")
	case len(t.Names) > 0 && !t.SelfSigned:
		return errors.New("tls.names: only the own certificate (selfSigned) takes names")
	case t.Listen != "" && !t.SelfSigned && t.Cert == "":
		return errors.New("tls.listen: HTTPS needs a certificate: cert and key, or selfSigned")
	}
	return optional("tls.listen", t.Listen, address)
}

// label is a name that Kubernetes allows.
var label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

func (k Knative) validate(used bool) error {
	if !used {
		return nil
	}
	var errs []error
	if len(k.Images) == 0 {
		errs = append(errs, errors.New("knative.images: name an image for one kind at least, such as nodejs:20=registry.example/node:20"))
	}
	for path, name := range map[string]string{"knative.namespace": k.Namespace, "knative.owner": k.Owner} {
		if !label.MatchString(name) {
			errs = append(errs, fmt.Errorf("%s: %q is not a name of lower case letters, digits and dashes", path, name))
		}
	}
	for kind, n := range k.StemCells {
		errs = append(errs, atLeast("knative.stemCells."+kind, n, 0))
		if _, ok := k.Images[kind]; !ok && kind != "all" {
			errs = append(errs, fmt.Errorf("knative.stemCells.%s: knative.images names no image for it", kind))
		}
	}
	if k.PullSecret != "" && !label.MatchString(k.PullSecret) {
		errs = append(errs, fmt.Errorf("knative.pullSecret: %q is no name of a Secret", k.PullSecret))
	}
	if strings.Contains(k.Registry, "://") {
		errs = append(errs, fmt.Errorf("knative.registry: %q has a scheme: write registry.example/folder", k.Registry))
	}
	for path, entry := range map[string]string{"knative.ingress": k.Ingress, "knative.eventsIngress": k.EventsIngress} {
		if u, err := url.Parse(entry); entry != "" && (err != nil || u.Scheme != "http" || u.Host == "") {
			errs = append(errs, fmt.Errorf("%s: %q is not a URL such as http://10.0.0.1", path, entry))
		}
	}
	errs = append(errs, oneOf("knative.events", k.Events, "channel", "broker", "none"), atLeast("knative.eventsWait", k.EventsWait, Duration(time.Second)))
	return errors.Join(errs...)
}

func (p Pool) validate() error {
	for kind, n := range p.StemCells {
		if err := atLeast("pool.stemCells."+kind, n, 0); err != nil {
			return err
		}
	}
	return nil
}

func (e Egress) validate() error {
	var errs []error
	for _, network := range e.Allow {
		if _, err := netip.ParsePrefix(network); err != nil {
			errs = append(errs, fmt.Errorf("egress.allow: %q is not a network such as 10.0.0.0/24", network))
		}
	}
	for _, server := range e.DNS {
		if _, err := netip.ParseAddr(server); err != nil {
			errs = append(errs, fmt.Errorf("egress.dns: %q is not an IP address", server))
		}
	}
	return errors.Join(errs...)
}

func (b Bootstrap) validate() error {
	var errs []error
	for name, key := range b.Users {
		uuid, secret, ok := strings.Cut(key, ":")
		if !ok || len(uuid) != 36 || len(secret) < 64 {
			errs = append(errs, fmt.Errorf("bootstrap.users.%s: want a UUID, a colon and at least 64 characters", name))
		}
	}
	return errors.Join(errs...)
}

func address(path, value string) error {
	_, port, err := net.SplitHostPort(value)
	if err != nil {
		return fmt.Errorf("%s: %q is not an address and port such as 127.0.0.1:3233", path, value)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%s: %q is not a port", path, port)
	}
	return nil
}

// webURL wants a scheme and a host, and nothing behind them.
func webURL(path, value string) error {
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return fmt.Errorf("%s: %q is not a URL such as https://whisk.example", path, value)
	}
	return nil
}

// hostName wants a name without scheme, port and path.
func hostName(path, value string) error {
	if strings.Trim(value, ".") != value || strings.ContainsAny(value, "/:@ ") {
		return fmt.Errorf("%s: %q is not a host name such as whisk.example", path, value)
	}
	return nil
}

func optional(path, value string, check func(path, value string) error) error {
	if value == "" {
		return nil
	}
	return check(path, value)
}

func required(path, value string) error {
	if value == "" {
		return fmt.Errorf("%s: must not be empty", path)
	}
	return nil
}

func oneOf(path, value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return fmt.Errorf("%s: %q is none of %s", path, value, strings.Join(allowed, ", "))
}

func atLeast[T ~int | ~int64](path string, value, least T) error {
	if value < least {
		return fmt.Errorf("%s: %v is less than %v", path, value, least)
	}
	return nil
}
