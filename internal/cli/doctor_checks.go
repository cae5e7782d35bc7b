package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/gowhisk/gowhisk/internal/config"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/sandbox"
	"github.com/gowhisk/gowhisk/internal/server"
	"github.com/gowhisk/gowhisk/runtimes"
)

// forDoctor keeps the settings that the checks read.
func forDoctor(s config.Setting) bool {
	return slices.Contains([]string{"listen", "dataDir", "isolation", "pool.memory"}, s.Path)
}

// What a check calls little.
const (
	slowSync  = 50 * time.Millisecond
	lowDisk   = config.GB
	fewFiles  = 4096
	syncCount = 5
)

func examine(ctx context.Context, c config.Config, env Env) []check {
	checks := checkIsolation(ctx, c)
	checks = append(checks, checkKinds(ctx, env)...)
	return append(checks, checkDataDir(c.DataDir), checkPort(ctx, c), checkFiles(), checkMemory(c))
}

// checkIsolation builds sandboxes and reports the tier with what keeps it
// from being a better one.
func checkIsolation(ctx context.Context, c config.Config) []check {
	o := sandbox.Options{Owner: "doctor"}
	if c.Isolation != "auto" {
		o.Tier = sandbox.Tier(c.Isolation)
	}
	r := sandbox.Probe(ctx, o)
	found := check{Name: "isolation", Grade: good, What: "Actions are isolated in tier " + string(r.Tier) + "."}
	switch r.Tier {
	case "":
		found = blocking(fault.UserNSForbidden, "isolation")
	case sandbox.TierFull:
		found.What = fmt.Sprintf("Actions are isolated in tier full: namespaces, seccomp and cgroup %s (%s).", r.Cgroup, strings.Join(r.Controllers, ", "))
	case sandbox.TierRootless:
		found = blocking(fault.CgroupNotDelegated, "isolation")
		found.Grade = warning
		if len(r.Missing) > 0 { // the same thing, as it was measured
			found.Why, r.Missing = r.Missing[0].Why, r.Missing[1:]
		}
	case sandbox.TierLandlock, sandbox.TierNone:
		found.Grade = warning
	}
	checks := []check{found, checkFork(c, r)}
	for _, m := range r.Missing {
		checks = append(checks, check{Name: "isolation", Grade: warning, What: m.What, Why: m.Why, Next: []string{m.Next}})
	}
	return checks
}

// checkFork tells how Python containers will start.
func checkFork(c config.Config, r sandbox.Report) check {
	forks := check{Name: "fork", Grade: good, What: "Python containers start one by one: forking them needs namespaces."}
	switch {
	case !c.Fork:
		forks.What = "Python containers start one by one: the setting fork is off."
	case r.CanFork():
		forks.What = "Python containers are forked from an interpreter where its C library allows; /metrics counts them."
	}
	return forks
}

// blocking is a check that failed with a known fault.
func blocking(code, name string) check {
	f, _ := fault.Explain(code)
	r := f.Report("", nil)
	return check{Name: name, Grade: blocks, Code: code, What: r.What, Why: r.Why, Next: r.Next}
}

// checkKinds reports what runs here; what is missing is a warning for each
// family of which no version runs.
func checkKinds(ctx context.Context, env Env) []check {
	hosts, err := runtimes.Discover(ctx, runtimes.Search(env.Getenv("PATH"), env.Getenv("HOME")))
	if err != nil {
		return []check{{Name: "kinds", Grade: blocks, What: "The runtimes of this host cannot be listed.", Why: err.Error(), Next: []string{"gowhisk explain " + fault.KindMissing}}}
	}
	var usable []string
	missing := map[string]runtimes.Host{}
	runs := map[string]bool{}
	for _, h := range hosts {
		if h.Usable() {
			runs[h.Family.Name] = true
			usable = append(usable, h.Kind)
			continue
		}
		missing[h.Family.Name] = h // the newest version wins
	}
	found := check{Name: "kinds", Grade: good, What: "This host runs " + strings.Join(usable, ", ") + "."}
	if len(usable) == 0 {
		found = check{Name: "kinds", Grade: blocks, Code: fault.KindMissing, What: "This host runs no kind of action.", Why: "No interpreter was found.", Next: []string{"apt-get install nodejs python3"}}
	}
	checks := []check{found}
	for _, h := range hosts {
		if m, ok := missing[h.Family.Name]; ok && !runs[h.Family.Name] {
			delete(missing, h.Family.Name)
			checks = append(checks, check{Name: "kinds", Grade: warning, Code: fault.KindMissing, What: "No " + h.Family.Name + " action runs here.", Why: m.Missing, Next: []string{m.Hint}})
		}
	}
	return checks
}

// checkDataDir measures what one durable write takes and how much room there
// is.
func checkDataDir(dir string) check {
	bad := func(err error) check {
		return check{Name: "data", Grade: blocks, What: "The data directory " + dir + " cannot be written.", Why: err.Error(), Next: []string{"gowhisk serve --data-dir OTHER"}}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return bad(err)
	}
	took, err := syncTime(dir)
	if err != nil {
		return bad(err)
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return bad(err)
	}
	free := config.Size(int64(fs.Bavail) * fs.Bsize)
	found := check{Name: "data", Grade: good, What: fmt.Sprintf("%s has %d MB free; a durable write takes %s.", dir, free/config.MB, took.Round(10*time.Microsecond))}
	if free < lowDisk {
		found.Grade, found.Code, found.Next = warning, fault.DiskFull, []string{"df -h " + dir}
		found.Why = "Below a reserve new work is refused."
	}
	if took > slowSync {
		found.Grade, found.Why = warning, "Every non-blocking invocation waits for a durable write."
		found.Next = append(found.Next, "gowhisk serve --data-dir DIRECTORY_ON_A_FASTER_DISK")
	}
	return found
}

// syncTime is the median time of a small write and fsync.
func syncTime(dir string) (took time.Duration, err error) {
	f, err := os.CreateTemp(dir, "doctor-*")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	times := make([]time.Duration, 0, syncCount)
	for range syncCount {
		began := time.Now()
		if _, err := f.Write(make([]byte, 512)); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		times = append(times, time.Since(began))
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

// checkPort tries to listen, unless the server of this data directory is who
// has the port.
func checkPort(ctx context.Context, c config.Config) check {
	if url, running := server.Address(ctx, c.DataDir); running {
		return check{Name: "port", Grade: good, What: "A server of this data directory answers on " + url + "."}
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return check{Name: "port", Grade: blocks, Code: fault.PortInUse, What: "Nothing can listen on " + c.Listen + ".", Why: err.Error(), Next: []string{"gowhisk serve --listen 127.0.0.1:0"}}
	}
	if err := l.Close(); err != nil {
		return check{Name: "port", Grade: warning, What: "The port " + c.Listen + " did not close.", Why: err.Error()}
	}
	return check{Name: "port", Grade: good, What: c.Listen + " is free."}
}

func checkFiles() check {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return check{Name: "files", Grade: warning, What: "The limit of open files cannot be read.", Why: err.Error()}
	}
	if limit.Max < fewFiles {
		return check{
			Name: "files", Grade: warning, What: fmt.Sprintf("This process may open %d files.", limit.Max),
			Why: "A container takes about ten, a connection one.", Next: []string{"ulimit -n 65536"},
		}
	}
	return check{Name: "files", Grade: good, What: fmt.Sprintf("This process may open %d files.", limit.Max)}
}

func checkMemory(c config.Config) check {
	const each = 256 * config.MB
	return check{Name: "memory", Grade: good, What: fmt.Sprintf("%s for containers: %d actions of %s at once.", c.Pool.Memory, c.Pool.Memory/each, each)}
}
