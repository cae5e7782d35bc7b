package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// delegate enables our controllers for the children of base, a v2 cgroup, and
// returns those that are. A cgroup with processes cannot hand controllers
// down, so where base is our own we first move into a leaf of it.
func delegate(base string) ([]string, error) {
	body, err := os.ReadFile(filepath.Join(base, "cgroup.controllers"))
	if err != nil {
		return nil, fmt.Errorf("read cgroup controllers: %w", err)
	}
	var have []string
	for _, c := range strings.Fields(string(body)) {
		if slices.Contains(wanted[:], c) {
			have = append(have, c)
		}
	}
	if len(have) == 0 {
		return nil, nil
	}
	err = enable(base, have)
	if !errors.Is(err, unix.EBUSY) {
		return have, err
	}
	leaf := filepath.Join(base, "gowhisk-server")
	if err := os.Mkdir(leaf, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("make leaf cgroup: %w", err)
	}
	if err := writeFile(filepath.Join(leaf, "cgroup.procs"), strconv.Itoa(os.Getpid())); err != nil {
		return nil, fmt.Errorf("enter leaf cgroup: %w", err)
	}
	return have, enable(base, have)
}

// enable hands controllers down to the children of dir.
func enable(dir string, controllers []string) error {
	err := writeFile(filepath.Join(dir, "cgroup.subtree_control"), "+"+strings.Join(controllers, " +"))
	if err != nil {
		return fmt.Errorf("enable cgroup controllers: %w", err)
	}
	return nil
}

// dedupe drops from v1 hierarchies what a v2 one already does (freezing), and
// hierarchies left without a use.
func (c cgroups) dedupe() cgroups {
	freezesV2 := slices.ContainsFunc(c, func(h hierarchy) bool {
		return h.v2 && slices.Contains(h.controllers, "freezer")
	})
	return slices.DeleteFunc(c, func(h hierarchy) bool {
		idle := freezesV2 && !h.v2 && slices.Equal(h.controllers, []string{"freezer"})
		if idle {
			// One that cannot be removed is in use by a crashed server's
			// leftovers and as harmless as empty.
			_ = os.Remove(h.dir)
		}
		return idle
	})
}

// kind names the arrangement as operators know it.
func (c cgroups) kind() string {
	v1 := slices.ContainsFunc(c, func(h hierarchy) bool { return !h.v2 })
	v2 := slices.ContainsFunc(c, func(h hierarchy) bool { return h.v2 })
	switch {
	case v1 && v2:
		return "hybrid"
	case v1:
		return "v1"
	case v2:
		return "v2"
	}
	return "none"
}

// freezer names what Freeze will use.
func (c cgroups) freezer() string {
	h, ok := c.find("freezer")
	switch {
	case !ok:
		return "signal"
	case h.v2:
		return "v2"
	}
	return "v1"
}

// missingControllers tells which limits cannot be set, and the first reason.
func missingControllers(c cgroups, why []error) []Finding {
	var names []string
	for _, name := range wanted {
		if _, ok := c.find(name); !ok {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	f := Finding{
		What: "limits of " + strings.Join(names, ", ") + " by cgroup",
		Why:  "no mounted cgroup hierarchy offers them",
		Next: "run as root, or as a systemd unit with Delegate=yes (systemd-run --user --scope -p Delegate=yes)",
	}
	if len(why) > 0 {
		f.Why = why[0].Error()
	}
	return []Finding{f}
}
