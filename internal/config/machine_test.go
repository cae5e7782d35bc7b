package config_test

import (
	"testing"
	"testing/fstest"

	"github.com/gowhisk/gowhisk/internal/config"
)

func TestMemoryIsWhatTheGroupsAroundTheProcessAllow(t *testing.T) {
	const info = "MemFree: 1 kB\nMemTotal:       8388608 kB\nSwapTotal: 0 kB\n"
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	for name, row := range map[string]struct {
		files fstest.MapFS
		want  int64
	}{
		"no groups": {fstest.MapFS{}, 8 << 30},
		"own group of version 2": {fstest.MapFS{
			"proc/self/cgroup": file("0::/system.slice/gowhisk.service\n"),
			"sys/fs/cgroup/system.slice/gowhisk.service/memory.max": file("536870912\n"),
		}, 512 << 20},
		"a group around it": {fstest.MapFS{
			"proc/self/cgroup":             file("0::/a/b\n"),
			"sys/fs/cgroup/a/b/memory.max": file("max\n"), "sys/fs/cgroup/a/memory.max": file("268435456\n"),
		}, 256 << 20},
		"version 1": {fstest.MapFS{
			"proc/self/cgroup": file("3:cpu:/x\n2:memory:/pod\n0::/\n"),
			"sys/fs/cgroup/memory/pod/memory.limit_in_bytes": file("419430400\n"),
		}, 400 << 20},
		"a container that sees its group as the root": {fstest.MapFS{
			"proc/self/cgroup":         file("0::/\n"),
			"sys/fs/cgroup/memory.max": file("134217728\n"),
		}, 128 << 20},
		"no limit of version 1": {fstest.MapFS{
			"proc/self/cgroup":                           file("2:memory:/\n"),
			"sys/fs/cgroup/memory/memory.limit_in_bytes": file("9223372036854771712\n"),
		}, 8 << 30},
	} {
		row.files["proc/meminfo"] = file(info)
		got, err := config.MemoryOf(row.files)
		if err != nil || got != row.want {
			t.Errorf("%s: got %d, %v, want %d", name, got, err, row.want)
		}
	}
	if _, err := config.MemoryOf(fstest.MapFS{"proc/meminfo": file("MemFree: 1 kB\n")}); err == nil {
		t.Error("memory was made up")
	}
}
