package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
)

const cpuPeriod = 100_000 // microseconds

// setting is one value for one control file. An optional one may lack its
// file: swap accounting is a boot option.
type setting struct {
	file, value string
	optional    bool
}

// limit applies the non-zero limits for which there is a controller.
func (g *group) limit(l Limits) error {
	for _, c := range []struct {
		name   string
		v1, v2 []setting
	}{
		{"memory", memoryV1(l), memoryV2(l)},
		{"pids", pidsMax(l), pidsMax(l)},
		{"cpu", cpuV1(l), cpuV2(l)},
	} {
		h, ok := g.tree.find(c.name)
		if !ok {
			continue
		}
		settings := c.v1
		if h.v2 {
			settings = c.v2
		}
		if err := apply(filepath.Join(h.dir, g.name), settings); err != nil {
			return fmt.Errorf("limit %s: %w", c.name, err)
		}
	}
	return nil
}

func apply(dir string, settings []setting) error {
	for _, s := range settings {
		err := writeFile(filepath.Join(dir, s.file), s.value)
		if s.optional && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)) {
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// memoryV1 sets the limit twice: memory may never exceed memory plus swap, so
// whichever way the limit moves, one of the outer writes is the one allowed.
func memoryV1(l Limits) []setting {
	if l.Memory == 0 {
		return nil
	}
	v := strconv.FormatInt(l.Memory, 10)
	return []setting{
		{"memory.memsw.limit_in_bytes", "-1", true},
		{"memory.limit_in_bytes", v, false},
		{"memory.memsw.limit_in_bytes", v, true},
	}
}

func memoryV2(l Limits) []setting {
	if l.Memory == 0 {
		return nil
	}
	return []setting{
		{"memory.max", strconv.FormatInt(l.Memory, 10), false},
		{"memory.swap.max", "0", true},
		{"memory.oom.group", "1", true},
	}
}

func pidsMax(l Limits) []setting {
	if l.Pids == 0 {
		return nil
	}
	return []setting{{"pids.max", strconv.FormatInt(l.Pids, 10), false}}
}

func cpuV1(l Limits) []setting {
	var out []setting
	if l.CPUShares > 0 {
		out = append(out, setting{"cpu.shares", strconv.FormatUint(l.CPUShares, 10), false})
	}
	if l.CPUQuota > 0 {
		out = append(out, setting{"cpu.cfs_quota_us", strconv.Itoa(quotaMicros(l.CPUQuota)), false})
	}
	return out
}

// cpuV2 maps shares 2…262144 onto weight 1…10000 as the OCI runtimes do.
func cpuV2(l Limits) []setting {
	var out []setting
	if l.CPUShares > 0 {
		weight := 1 + (min(max(l.CPUShares, 2), 262144)-2)*9999/262142
		out = append(out, setting{"cpu.weight", strconv.FormatUint(weight, 10), false})
	}
	if l.CPUQuota > 0 {
		out = append(out, setting{"cpu.max", fmt.Sprintf("%d %d", quotaMicros(l.CPUQuota), cpuPeriod), false})
	}
	return out
}

// quotaMicros is the time per period; the kernel refuses less than 1 ms.
func quotaMicros(cpus float64) int { return max(int(cpus*cpuPeriod), 1000) }
