package server

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gowhisk/gowhisk/internal/admin"
	"github.com/gowhisk/gowhisk/internal/config"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/sandbox"
	"github.com/gowhisk/gowhisk/runtimes"
)

// summary is what this server says when it is ready.
func (p *platform) summary(c config.Config, version string, hosts []runtimes.Host) Summary {
	s := Summary{
		Version:   version,
		URL:       p.url,
		DataDir:   c.DataDir,
		Isolation: p.where,
		Kinds:     kindsOf(hosts),
		Memory:    fmt.Sprintf("%s for actions: %d of %d MB", c.Pool.Memory, int64(c.Pool.Memory)/entity.MB/entity.DefaultLimits().Memory, entity.DefaultLimits().Memory),
		Insecure:  c.TLS.SelfSigned && strings.HasPrefix(p.url, "https:"),
		Notes:     p.notes,
	}
	if p.pool == nil {
		s.Memory = "by the cluster"
	}
	if p.guestOpen {
		s.Auth = admin.PublicGuestKey
	}
	return s
}

// isolation says in words how strongly actions are isolated.
func isolation(r sandbox.Report) string {
	parts := map[sandbox.Tier][]string{
		sandbox.TierFull:     {"namespaces", "seccomp"},
		sandbox.TierRootless: {"namespaces", "seccomp", "limits by process"},
		sandbox.TierLandlock: {"Landlock", "seccomp", "no namespaces"},
		sandbox.TierNone:     {"trusted code only"},
	}[r.Tier]
	if len(r.Controllers) > 0 {
		parts = append(parts, "cgroup "+r.Cgroup+" "+strings.Join(r.Controllers, "+"))
	}
	return string(r.Tier) + ": " + strings.Join(parts, ", ")
}

// kindsOf lists what this host runs, the versions of a family together:
// "java:8,11,17".
func kindsOf(hosts []runtimes.Host) []string {
	var families []string
	versions := map[string][]string{}
	for _, h := range hosts {
		family, version, ok := strings.Cut(h.Kind, ":")
		if !ok || !h.Usable() {
			continue
		}
		if !slices.Contains(families, family) {
			families = append(families, family)
		}
		versions[family] = append(versions[family], version)
	}
	for i, family := range families {
		families[i] = family + ":" + strings.Join(versions[family], ",")
	}
	return families
}

// unisolated says what to do where no tier works.
func unisolated(err error) error { return fault.New(fault.UserNSForbidden, err.Error(), nil, err) }
