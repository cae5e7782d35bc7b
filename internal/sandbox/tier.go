package sandbox

// Tier names how strongly a process can be isolated on this host.
type Tier string

// The tiers, strongest first. TierNone isolates nothing but limits and is
// chosen only when asked for.
const (
	TierFull     Tier = "full"     // namespaces, seccomp and cgroup limits
	TierRootless Tier = "rootless" // namespaces and seccomp; limits by rlimits
	TierLandlock Tier = "landlock" // Landlock and seccomp, no namespaces
	TierNone     Tier = "none"
)

// namespaced reports whether the tier gives the process its own namespaces.
func (t Tier) namespaced() bool { return t == TierFull || t == TierRootless }

// rank orders tiers; a higher rank isolates more.
func (t Tier) rank() int {
	switch t {
	case TierFull:
		return 3
	case TierRootless:
		return 2
	case TierLandlock:
		return 1
	}
	return 0
}

// Options configures Probe and New.
type Options struct {
	// Tier forces this tier or a weaker one. Empty takes the strongest that
	// works, but never TierNone, which must be named.
	Tier Tier
	// Owner names the server: cgroups carry it, so that CleanUp finds what a
	// crashed server of the same name left. Letters, digits, '-' and '_'.
	Owner string
	// Egress decides which outbound connections are made.
	Egress Policy
}

// Finding is one thing the host lacks: what, why, and what to do about it.
type Finding struct {
	What string `json:"what"`
	Why  string `json:"why"`
	Next string `json:"next"`
}

// Report is what Probe found out by doing.
type Report struct {
	Tier        Tier      `json:"tier"`
	Cgroup      string    `json:"cgroup"`      // v2, v1, hybrid or none
	Controllers []string  `json:"controllers"` // those that work: memory, pids, cpu
	Freezer     string    `json:"freezer"`     // v2, v1 or signal
	Network     string    `json:"network"`     // mediated or none
	Landlock    int       `json:"landlock"`    // ABI version, 0 if absent
	Missing     []Finding `json:"missing"`
}
