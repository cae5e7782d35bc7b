package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
)

// Spec describes one process to start.
type Spec struct {
	// Path is the executable as seen inside; Args includes argument 0.
	Path string
	Args []string
	// Env is the whole environment; nothing is inherited.
	Env []string
	// Dir is the working directory inside; empty means /tmp.
	Dir string
	// Files are the child's descriptors 0 to 3, the only ones it gets. A nil
	// entry is closed in the child. Start does not close them.
	Files [4]*os.File
	// Mounts are shown inside beside the base system (/usr, /lib, …).
	Mounts []Mount
	// TmpSize bounds the private /tmp, which /dev/shm is too, in bytes; 0
	// means 64 MiB. Its pages count as memory of the sandbox.
	TmpSize  int64
	Hostname string
	Limits   Limits
}

// Mount shows a host file or directory inside.
type Mount struct {
	Source   string // host path; may lie below directories others cannot enter
	Target   string // absolute path inside
	Writable bool   // read-only unless set
}

// Limits bounds what the process tree may use. A zero field sets no limit.
type Limits struct {
	Memory    int64   // bytes, swap included
	CPUShares uint64  // relative weight, 2 to 262144; 1024 is one part
	CPUQuota  float64 // processors, e.g. 0.5
	Pids      int64   // processes and threads
	Files     uint64  // open files per process; 0 means 1024
	FileSize  uint64  // bytes of the largest file
}

const defaultTmpSize = 64 << 20

// Validate reports what makes the specification unusable.
func (s *Spec) Validate() error {
	var errs []error
	if !path.IsAbs(s.Path) {
		errs = append(errs, fmt.Errorf("path %q is not absolute", s.Path))
	}
	if len(s.Args) == 0 {
		errs = append(errs, errors.New("argument 0 is missing"))
	}
	for _, m := range s.Mounts {
		if !path.IsAbs(m.Target) || path.Clean(m.Target) != m.Target || m.Target == "/" {
			errs = append(errs, fmt.Errorf("mount target %q is not a clean absolute path", m.Target))
		}
		if !path.IsAbs(m.Source) {
			errs = append(errs, fmt.Errorf("mount source %q is not absolute", m.Source))
		}
	}
	for _, e := range s.Env {
		if strings.ContainsRune(e, 0) || !strings.ContainsRune(e, '=') {
			errs = append(errs, fmt.Errorf("environment entry %.40q is not NAME=value", e))
		}
	}
	if l := s.Limits; l.Memory < 0 || l.Pids < 0 || l.CPUQuota < 0 || s.TmpSize < 0 {
		errs = append(errs, errors.New("a limit is negative"))
	}
	return errors.Join(errs...)
}
