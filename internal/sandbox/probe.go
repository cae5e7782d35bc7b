package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Probe finds the strongest tier that works here, not above opts.Tier, by
// building sandboxes that stop short of running anything. What is missing for
// a stronger one is in the report.
func Probe(ctx context.Context, opts Options) Report {
	// A server of the same owner may be running.
	opts.Owner += "-probe"
	tree, findings := findCgroups(opts.Owner)
	r := Report{
		Cgroup: tree.kind(), Freezer: tree.freezer(), Network: "mediated",
		Landlock: landlockABI(), Missing: findings,
	}
	for _, c := range wanted {
		if _, ok := tree.find(c); ok {
			r.Controllers = append(r.Controllers, c)
		}
	}
	for _, tier := range candidates(opts.Tier, r.Controllers, r.Landlock) {
		r.Tier = tier
		err := rehearse(ctx, opts, r)
		if err == nil {
			break
		}
		r.Missing = append(r.Missing, explain(tier, err))
		r.Tier = ""
	}
	return r.settled()
}

// settled drops from the report what the chosen tier does not use.
func (r Report) settled() Report {
	switch r.Tier {
	case TierRootless:
		r.Cgroup, r.Controllers, r.Freezer = "none", nil, "signal"
	case TierNone, "":
		r.Network = "none"
	}
	return r
}

// candidates lists the tiers to try, strongest first.
func candidates(forced Tier, controllers []string, abi int) []Tier {
	if forced == TierNone {
		return []Tier{TierNone}
	}
	var out []Tier
	if slices.Contains(controllers, "memory") && slices.Contains(controllers, "pids") {
		out = append(out, TierFull)
	}
	out = append(out, TierRootless)
	if abi > 0 {
		out = append(out, TierLandlock)
	}
	return slices.DeleteFunc(out, func(t Tier) bool { return forced != "" && t.rank() > forced.rank() })
}

// rehearse goes through a whole start, up to the execve.
func rehearse(ctx context.Context, opts Options, r Report) (err error) {
	h, err := newHost(opts, r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close(context.WithoutCancel(ctx))) }()
	s := Spec{Path: rehearsal, Args: []string{"probe"}, Limits: Limits{Memory: 64 << 20, Pids: 32}}
	p, err := h.Start(ctx, s)
	if err != nil {
		return err
	}
	exit, err := p.Wait(ctx)
	if err == nil && (exit.Code != 0 || exit.Signal != 0) {
		err = fmt.Errorf("launcher ended with status %d, signal %d", exit.Code, exit.Signal)
	}
	return errors.Join(err, p.Close(context.WithoutCancel(ctx)))
}

// explain turns a failed rehearsal into something that can be acted upon.
func explain(tier Tier, err error) Finding {
	f := Finding{What: "isolation tier " + string(tier), Why: err.Error()}
	text := err.Error()
	switch {
	case tier == TierLandlock:
		f.Next = "use a kernel with Landlock and seccomp user notification (5.13 or newer)"
	case errors.Is(err, unix.EACCES) && strings.Contains(text, "start launcher"):
		f.Next = "make the gowhisk binary executable for everyone (chmod o+x)"
	case sysctl("kernel/apparmor_restrict_unprivileged_userns") == "1":
		f.Next = "allow user namespaces to gowhisk in AppArmor, or sysctl kernel.apparmor_restrict_unprivileged_userns=0, or run as root"
	case sysctl("kernel/unprivileged_userns_clone") == "0":
		f.Next = "sysctl kernel.unprivileged_userns_clone=1, or run as root"
	case sysctl("user/max_user_namespaces") == "0":
		f.Next = "sysctl user.max_user_namespaces=10000"
	case strings.Contains(text, "mount proc"):
		f.Next = "a container masks /proc: run it with an unmasked one (Docker: --security-opt systempaths=unconfined)"
	case strings.Contains(text, "seccomp"):
		f.Next = "use a kernel with seccomp user notification (5.14 or newer)"
	default:
		f.Next = "allow unprivileged user namespaces and use a kernel of 5.14 or newer; containers need --security-opt seccomp=unconfined"
	}
	return f
}

func sysctl(name string) string {
	body, err := os.ReadFile("/proc/sys/" + name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(body))
}
