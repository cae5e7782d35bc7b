package sandbox

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Init must be the first call of main and TestMain. In a process that was
// re-executed as a sandbox launcher it sets the sandbox up, becomes the
// target and never returns; nor does it in the spawner of launchers. In any
// other process it returns at once.
func Init() {
	if len(os.Args) == 0 || os.Args[0] != marker && os.Args[0] != spawnMarker {
		return
	}
	// Capabilities, the seccomp filter and the death signal belong to a
	// thread; execve keeps those of the thread that calls it.
	runtime.LockOSThread()
	if os.Args[0] == spawnMarker {
		if err := runSpawner(); err != nil {
			unix.Exit(1)
		}
		unix.Exit(0)
	}
	sync := os.NewFile(syncFD, "sync")
	err := launch(sync)
	// Reached only when the target could not be started.
	if _, werr := fmt.Fprintf(sync, "%c%v", msgError, err); werr != nil {
		unix.Exit(126)
	}
	unix.Exit(125)
}

// launch turns this process into the target. It returns only an error.
func launch(sync *os.File) error {
	// The spawner forks from one thread that lives as long as it does, so this
	// means its death, which the server's brings about. The seccomp filter
	// keeps the signal set.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("set parent death signal: %w", err)
	}
	// The plan arrives after the server has attached us to our cgroups; end of
	// file means that the server is gone, or has no use for us.
	p, fds, err := readPlan(sync)
	if err != nil {
		return err
	}
	if err := arrange(p, fds); err != nil {
		return err
	}
	if err := unix.CloseRange(syncFD, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return fmt.Errorf("mark descriptors close-on-exec: %w", err)
	}
	unix.Umask(0o022)
	var relay []int
	if p.Namespaced {
		if err := enterNamespaces(p); err != nil {
			return err
		}
		if relay, err = openResolver(p); err != nil {
			return err
		}
	}
	if err := os.Chdir(p.Dir); err != nil {
		return fmt.Errorf("enter working directory: %w", err)
	}
	if p.Zygote {
		err = confineZygote(p)
	} else {
		err = confine(p, relay)
	}
	if err != nil {
		return err
	}
	return becomeTarget(p)
}

// arrange puts the target's descriptors in their places and the mounts' where
// the plan has them.
func arrange(p *plan, fds []int) error {
	for place, open := range p.Open {
		if !open {
			if err := unix.Close(place); err != nil {
				return fmt.Errorf("close descriptor %d: %w", place, err)
			}
			continue
		}
		if len(fds) == 0 {
			return fmt.Errorf("descriptor %d did not arrive", place)
		}
		if err := unix.Dup3(fds[0], place, 0); err != nil {
			return fmt.Errorf("place descriptor %d: %w", place, err)
		}
		fds = fds[1:]
	}
	for i := range p.Mounts {
		if !p.Mounts[i].Passed {
			continue
		}
		if len(fds) == 0 {
			return fmt.Errorf("mount %s did not arrive", p.Mounts[i].Source)
		}
		p.Mounts[i].FD, fds = fds[0], fds[1:]
	}
	return nil
}

// becomeTarget executes the target. It returns only an error.
func becomeTarget(p *plan) error {
	if p.Path == rehearsal {
		unix.Exit(0)
	}
	for _, r := range p.Rlimits {
		if !r.late() {
			continue
		}
		if err := setRlimit(r); err != nil {
			return err
		}
	}
	err := unix.Exec(p.Path, p.Args, p.Env)
	return fmt.Errorf("execute %s: %w", p.Path, err)
}

// enterNamespaces furnishes the namespaces that clone created for us.
func enterNamespaces(p *plan) error {
	// Only now are we in our cgroups: make them the root of our view.
	if err := unix.Unshare(unix.CLONE_NEWCGROUP); err != nil {
		return fmt.Errorf("unshare cgroup namespace: %w", err)
	}
	if err := unix.Sethostname([]byte(p.Hostname)); err != nil {
		return fmt.Errorf("set host name: %w", err)
	}
	if err := raiseLoopback(); err != nil {
		return err
	}
	return buildRoot(p)
}

// raiseLoopback brings lo up in the new, otherwise empty, network namespace.
func raiseLoopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open socket for loopback: %w", err)
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq("lo")
	if err != nil {
		return fmt.Errorf("name loopback: %w", err)
	}
	ifr.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr); err != nil {
		return fmt.Errorf("raise loopback: %w", err)
	}
	return nil
}
