package runtimes

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// probeTime bounds how long one interpreter may take to say its version.
const probeTime = 10 * time.Second

// found is an interpreter that answered.
type found struct {
	path, version string   // version as in a kind: "20", "3.11"
	full          string   // version as it says
	prefixes      []string // directories it lives from
	classPath     []string
	root          string // of an installation that may not be where path is
}

// Discover finds what this host has for every kind of the manifest that needs no container image,
// and for every further version that the host has. It runs the candidates that lookup names to ask
// their version. Kinds are in the manifest's order by family.
func Discover(ctx context.Context, lookup Lookup) ([]Host, error) {
	return discover(ctx, lookup, search{unreachable: unreachable}, Families())
}

// DiscoverFamily is Discover for the kinds of one family, named by itself or by one of its kinds. As
// one who asks so waits for it, an interpreter whose name tells its version is not asked for the rest.
func DiscoverFamily(ctx context.Context, family string, lookup Lookup) ([]Host, error) {
	f, ok := FamilyOf(family)
	if !ok {
		return nil, nil
	}
	return discover(ctx, lookup, search{unreachable: unreachable, byName: true}, []Family{f})
}

// DiscoverOwn is Discover for launchers that run as this process's user: what only that user can
// read is usable too. With families, named as above, it looks for those alone. An interpreter whose
// name tells its version is not asked for the rest of it.
func DiscoverOwn(ctx context.Context, lookup Lookup, families ...string) ([]Host, error) {
	wanted := Families()
	if len(families) > 0 {
		wanted = slices.DeleteFunc(wanted, func(f Family) bool {
			return !slices.ContainsFunc(families, func(name string) bool {
				named, _, _ := strings.Cut(name, ":")
				return named == f.Name
			})
		})
	}
	return discover(ctx, lookup, search{unreachable: func(found) string { return "" }, byName: true}, wanted)
}

// search is how interpreters are judged.
type search struct {
	unreachable func(found) string // why it can not be used; empty if it can
	byName      bool               // a name that tells the version is believed
}

func discover(ctx context.Context, lookup Lookup, by search, families []Family) ([]Host, error) {
	kinds, err := manifestKinds()
	if err != nil {
		return nil, err
	}
	hosts := make([][]Host, len(families))
	var wg sync.WaitGroup
	for i, f := range families {
		wg.Go(func() { hosts[i] = discoverFamily(ctx, f, kinds[f.Name], lookup, by) })
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("discover runtimes: %w", context.Cause(ctx))
	}
	return slices.Concat(hosts...), nil
}

// manifestKinds lists the versions of each family in the manifest.
func manifestKinds() (map[string][]string, error) {
	var doc struct {
		Runtimes map[string][]struct {
			Kind string `json:"kind"`
		} `json:"runtimes"`
	}
	if err := json.Unmarshal(manifest, &doc); err != nil {
		return nil, fmt.Errorf("read the runtimes manifest: %w", err)
	}
	versions := make(map[string][]string)
	for family, kinds := range doc.Runtimes {
		for _, k := range kinds {
			_, version, _ := strings.Cut(k.Kind, ":")
			versions[family] = append(versions[family], version)
		}
	}
	return versions, nil
}

func discoverFamily(ctx context.Context, f Family, versions []string, lookup Lookup, by search) []Host {
	if f.Name == "blackbox" {
		return []Host{{Kind: f.Name, Family: f}}
	}
	p := probes()[f.Name]
	var usable, unusable []found
	reasons := map[string]string{}
	for _, candidate := range candidates(p.patterns, lookup) {
		got, err := by.ask(ctx, p, candidate)
		if err != nil {
			continue // not what its name says
		}
		if reason := by.unreachable(got); reason != "" {
			unusable = append(unusable, got)
			reasons[got.path] = reason
			continue
		}
		usable = append(usable, got)
	}
	var hosts []Host
	for _, version := range allVersions(versions, usable) {
		h := Host{Kind: f.Name + ":" + version, Family: f}
		if got, ok := choose(p, version, usable); ok {
			h.Path, h.Version, h.Prefixes, h.ClassPath, h.root = got.path, got.full, got.prefixes, got.classPath, got.root
		} else if got, ok := choose(p, version, unusable); ok {
			h.Path, h.Version, h.Missing = got.path, got.full, reasons[got.path]
			h.Hint = "install " + fmt.Sprintf(p.install, version) + " where every user can read it"
		} else {
			h.Missing = fmt.Sprintf("no %s %s on this host", p.title, version)
			h.Hint = "install " + fmt.Sprintf(p.install, version)
		}
		if h.Usable() && p.require != nil {
			h.Missing, h.Hint = p.require(&h)
		}
		hosts = append(hosts, h)
	}
	return hosts
}

// candidates are the files to ask, each once, whatever links lead to it.
func candidates(patterns []string, lookup Lookup) []string {
	var files []string
	for _, pattern := range patterns {
		for _, file := range lookup(pattern) {
			if real, err := filepath.EvalSymlinks(file); err == nil && !slices.Contains(files, real) {
				files = append(files, real)
			}
		}
	}
	return files
}

func (s search) ask(ctx context.Context, p probe, file string) (found, error) {
	if s.byName && p.named != nil {
		if got, ok := p.named(file); ok {
			return got, nil
		}
	}
	if p.written != nil {
		if output := p.written(file); output != "" {
			return p.read(file, output)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, file, p.args...)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "HOME=/nonexistent", "GOTOOLCHAIN=local", "GOENV=off"}
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		return found{}, fmt.Errorf("ask %s for its version: %w", file, err)
	}
	return p.read(file, string(out))
}

// allVersions are the manifest's and the host's own, in order.
func allVersions(versions []string, usable []found) []string {
	all := slices.Clone(versions)
	for _, got := range usable {
		if !slices.Contains(all, got.version) {
			all = append(all, got.version)
		}
	}
	slices.SortStableFunc(all, compareVersions)
	return all
}

// choose takes the interpreter of that version, or, where newer ones serve older kinds, the oldest
// that is new enough.
func choose(p probe, version string, from []found) (found, bool) {
	for _, got := range from {
		if got.version == version {
			return got, true
		}
	}
	if !p.backwards {
		return found{}, false
	}
	newer := slices.DeleteFunc(slices.Clone(from), func(g found) bool { return compareVersions(g.version, version) < 0 })
	if len(newer) == 0 {
		return found{}, false
	}
	return slices.MinFunc(newer, func(a, b found) int { return compareVersions(a.version, b.version) }), true
}

// compareVersions orders dotted numbers.
func compareVersions(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "."), strings.Split(b, "."), func(x, y string) int {
		m, errX := strconv.Atoi(x)
		n, errY := strconv.Atoi(y)
		if errX != nil || errY != nil {
			return strings.Compare(x, y)
		}
		return cmp.Compare(m, n)
	})
}
