package server

import (
	"context"
	"fmt"
	"hash/crc32"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/gowhisk/gowhisk/internal/config"
	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/manifest"
	"github.com/gowhisk/gowhisk/internal/sandbox"
	"github.com/gowhisk/gowhisk/internal/store"
	"github.com/gowhisk/gowhisk/internal/store/pebble"
	"github.com/gowhisk/gowhisk/runtimes"
)

// storeDir is the store's own folder in the data directory.
func storeDir(dataDir string) string { return filepath.Join(dataDir, "store") }

// OpenSubjects opens the store of a data directory whose server does not
// run, for commands about users. The caller calls the returned function when
// done.
func OpenSubjects(ctx context.Context, dataDir string) (store.Subjects, func() error, error) {
	dataDir, err := makeDataDir(dataDir)
	if err != nil {
		return nil, nil, err
	}
	db, err := pebble.Open(ctx, storeDir(dataDir), pebble.Options{})
	if err != nil {
		return nil, nil, err
	}
	return db.Subjects(), db.Close, nil
}

// readManifest reads the operator's runtimes manifest; without one it is the
// standard one, fitted to what this host has.
func readManifest(file string, hosts []runtimes.Host) (*manifest.Manifest, error) {
	read := func() ([]byte, error) { return os.ReadFile(file) }
	if file == "" {
		read = func() ([]byte, error) { return runtimes.ManifestFor(hosts) }
	}
	data, err := read()
	if err != nil {
		return nil, fmt.Errorf("runtimes manifest: %w", err)
	}
	m, err := manifest.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("runtimes manifest: %w", err)
	}
	return m, nil
}

// stemCells are those of the manifest whose kind runs on this host, and the
// operator's over them.
func stemCells(m *manifest.Manifest, hosts []runtimes.Host, configured map[string]int) map[string]containerpool.StemCells {
	usable := map[string]bool{}
	for _, h := range hosts {
		usable[h.Kind] = h.Usable()
	}
	cells := map[string]containerpool.StemCells{}
	for r := range m.Runtimes() {
		for _, s := range r.StemCells {
			most := s.Count
			if s.Reactive != nil {
				most = s.Reactive.Max
			}
			cells[r.Kind] = containerpool.StemCells{Min: s.Count, Max: max(s.Count, most)}
		}
	}
	for kind, n := range configured {
		if n == 0 { // none at all, whatever the demand
			delete(cells, kind)
			continue
		}
		cells[kind] = containerpool.StemCells{Min: n, Max: max(n, cells[kind].Max)}
	}
	maps.DeleteFunc(cells, func(kind string, _ containerpool.StemCells) bool { return !usable[kind] })
	return cells
}

// publicURL is where clients reach the API.
func publicURL(c config.Config) string {
	for _, given := range []string{c.PublicURL, c.APIHost} {
		if given != "" {
			return strings.TrimSuffix(given, "/")
		}
	}
	return listenURL(c)
}

// listenURL is the first listener's.
func listenURL(c config.Config) string {
	scheme := "http"
	if encrypts(c) && c.TLS.Listen == "" {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return scheme + "://" + c.Listen
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// randomKeys reports whether a fresh data directory gets keys that nobody
// else knows. The public ones are for a listener that only this machine
// reaches.
func randomKeys(c config.Config) bool {
	if c.Bootstrap.Keys != "auto" {
		return c.Bootstrap.Keys == "random"
	}
	return !onLoopback(c.Listen)
}

// onLoopback reports whether only this machine reaches the address.
func onLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// owner names the server of a data directory, an absolute path, so that several on one machine
// do not clean up one another's containers.
func owner(dataDir string) string {
	return fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(dataDir)))
}

// sandboxOptions turns the settings into those of the sandbox.
func sandboxOptions(ctx context.Context, c config.Config, apiURL string) (sandbox.Options, error) {
	o := sandbox.Options{Owner: owner(c.DataDir)}
	if c.Isolation != "auto" {
		o.Tier = sandbox.Tier(c.Isolation)
	}
	o.Egress.None = c.Egress.Policy == "none"
	for _, network := range c.Egress.Allow {
		prefix, err := netip.ParsePrefix(network)
		if err != nil {
			return o, fmt.Errorf("egress.allow: %w", err)
		}
		o.Egress.AllowNets = append(o.Egress.AllowNets, prefix)
	}
	for _, server := range c.Egress.DNS {
		addr, err := netip.ParseAddr(server)
		if err != nil {
			return o, fmt.Errorf("egress.dns: %w", err)
		}
		o.Egress.DNS = append(o.Egress.DNS, addr)
	}
	var err error
	if len(o.Egress.DNS) == 0 {
		if o.Egress.DNS, err = sandbox.Resolvers(); err != nil {
			return o, err
		}
	}
	o.Egress.API, err = resolve(ctx, apiURL)
	return o, err
}

// resolve returns the exact addresses behind the API's URL.
func resolve(ctx context.Context, rawURL string) ([]netip.AddrPort, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("apiHost: %w", err)
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80"}[u.Scheme]
	}
	if port == "" {
		port = "443"
	}
	number, err := net.DefaultResolver.LookupPort(ctx, "tcp", port)
	if err != nil {
		return nil, fmt.Errorf("apiHost: %w", err)
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		return nil, fmt.Errorf("apiHost: %w", err)
	}
	var all []netip.AddrPort
	for _, a := range addrs {
		all = append(all, netip.AddrPortFrom(a.Unmap(), uint16(number)))
	}
	return all, nil
}
