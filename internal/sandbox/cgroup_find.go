package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// wanted lists the controllers we use, v1 name.
var wanted = [...]string{"memory", "pids", "cpu"}

// cgroupMount is a mounted hierarchy as this process sees it.
type cgroupMount struct {
	point       string
	v2          bool
	controllers []string // v1: from the mount options
	self        string   // our own cgroup in it
}

// readCgroupMounts joins /proc/self/mountinfo with /proc/self/cgroup.
func readCgroupMounts() ([]cgroupMount, error) {
	info, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("read mounts: %w", err)
	}
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, fmt.Errorf("read own cgroups: %w", err)
	}
	return parseCgroupMounts(string(info), string(own)), nil
}

func parseCgroupMounts(info, own string) []cgroupMount {
	var mounts []cgroupMount
	for line := range strings.Lines(info) {
		left, right, ok := strings.Cut(line, " - ")
		l, r := strings.Fields(left), strings.Fields(right)
		if !ok || len(l) < 5 || len(r) < 3 || !strings.HasPrefix(r[0], "cgroup") {
			continue
		}
		m := cgroupMount{point: l[4], v2: r[0] == "cgroup2", self: "/"}
		for _, o := range strings.Split(r[2], ",") {
			if !m.v2 && o != "rw" && o != "ro" {
				m.controllers = append(m.controllers, o)
			}
		}
		m.self = relativeTo(l[3], ownCgroup(own, m))
		mounts = append(mounts, m)
	}
	return mounts
}

// ownCgroup finds our path in the hierarchy of m: "id:controllers:path".
func ownCgroup(own string, m cgroupMount) string {
	for line := range strings.Lines(own) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 {
			continue
		}
		if m.v2 && f[1] == "" || !m.v2 && f[1] != "" && slices.Contains(m.controllers, strings.Split(f[1], ",")[0]) {
			return f[2]
		}
	}
	return "/"
}

// relativeTo strips the root of the mount, which in a container is not "/".
func relativeTo(root, p string) string {
	if rest, ok := strings.CutPrefix(p, root); ok && root != "/" {
		return path.Clean("/" + rest)
	}
	return p
}

// findCgroups sets up the owner's directory in every usable hierarchy. What
// cannot be used is told in the findings, not as an error.
func findCgroups(owner string) (cgroups, []Finding) {
	mounts, err := readCgroupMounts()
	if err != nil {
		return nil, []Finding{{What: "cgroups", Why: err.Error(), Next: "mount /proc and /sys/fs/cgroup"}}
	}
	var tree cgroups
	var why []error
	for _, m := range mounts {
		if !useful(m) {
			continue
		}
		h, err := claim(m, "gowhisk-"+owner)
		if err != nil {
			why = append(why, err)
			continue
		}
		if len(h.controllers) > 0 {
			tree = append(tree, h)
		}
	}
	tree = tree.dedupe()
	return tree, missingControllers(tree, why)
}

func useful(m cgroupMount) bool {
	return m.v2 || slices.ContainsFunc(m.controllers, func(c string) bool {
		return c == "freezer" || slices.Contains(wanted[:], c)
	})
}

// claim makes the owner's directory, below our own cgroup if we may, else at
// the root of the hierarchy, and proves that it works.
func claim(m cgroupMount, name string) (hierarchy, error) {
	var first error
	for _, base := range []string{m.self, "/"} {
		dir := filepath.Join(m.point, base, name)
		h, err := tryClaim(m, filepath.Join(m.point, base), dir)
		if err == nil {
			return h, nil
		}
		first = cmp.Or(first, err)
	}
	return hierarchy{}, first
}

func tryClaim(m cgroupMount, base, dir string) (hierarchy, error) {
	h := hierarchy{dir: dir, v2: m.v2, controllers: m.controllers}
	if m.v2 {
		var err error
		if h.controllers, err = delegate(base); err != nil {
			return h, err
		}
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return h, err
	}
	if m.v2 && len(h.controllers) > 0 {
		if err := enable(dir, h.controllers); err != nil {
			return h, err
		}
	}
	return h.proven()
}

// proven tries a scratch cgroup with limits and keeps what worked.
func (h hierarchy) proven() (hierarchy, error) {
	name := "probe-" + strconv.Itoa(os.Getpid())
	h.controllers = slices.Clone(h.controllers)
	scratch := cgroups{h}
	g, err := scratch.create(name)
	if err != nil {
		return h, err
	}
	if err := g.limit(Limits{Memory: 64 << 20, Pids: 16, CPUShares: 1024}); err != nil {
		return h, errors.Join(err, g.remove())
	}
	if h.v2 {
		for file, ability := range map[string]string{"cgroup.freeze": "freezer", "cgroup.kill": "kill"} {
			if _, err := os.Stat(filepath.Join(h.dir, name, file)); err == nil {
				h.controllers = append(h.controllers, ability)
			}
		}
	}
	return h, g.remove()
}
