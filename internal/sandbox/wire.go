package sandbox

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
)

// marker is argument 0 of a re-executed launcher.
const marker = "gowhisk-sandbox-launcher"

// Descriptors of the launcher beyond the target's own 0 to 3.
const (
	syncFD       = 4 // socket to the parent
	firstMountFD = 5 // detached mounts opened by the parent
)

// Messages of the launcher on the sync socket; its close by exec means
// started.
const (
	msgNotify = 'N' // carries the supervisor's descriptors
	msgError  = 'E' // followed by text, then the launcher ends
)

// rehearsal is the Path of a plan that ends in success instead of execve.
const rehearsal = "/rehearsal"

// plan is what the launcher is told to do; it decides nothing itself.
type plan struct {
	Namespaced bool
	Path       string
	Args       []string
	Env        []string
	Dir        string
	Hostname   string
	Mounts     []planMount
	Links      []planFile // symlinks: Data is the target
	Files      []planFile // small files written into the root
	TmpSize    int64
	Rlimits    []planRlimit
	Landlock   int      // ABI to use, 0 for none
	Paths      []string // Landlock tier: readable trees
	Scratch    string   // Landlock tier: the writable tree
	Filter     []byte
	Mediated   bool
}

type planMount struct {
	Source   string
	FD       int // descriptor of a detached mount, 0 if Source is to be opened
	Target   string
	Writable bool
	Device   bool
}

type planFile struct{ Path, Data string }

type planRlimit struct {
	Resource int
	Value    uint64
}

func writePlan(w io.Writer, p *plan) error {
	body, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode launch plan: %w", err)
	}
	msg := binary.LittleEndian.AppendUint32(make([]byte, 0, len(body)+4), uint32(len(body)))
	if _, err := w.Write(append(msg, body...)); err != nil {
		return fmt.Errorf("send launch plan: %w", err)
	}
	return nil
}

func readPlan(r io.Reader) (*plan, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, fmt.Errorf("read launch plan: %w", err)
	}
	body := make([]byte, binary.LittleEndian.Uint32(size[:]))
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, fmt.Errorf("read launch plan: %w", err)
	}
	p := new(plan)
	if err := json.Unmarshal(body, p); err != nil {
		return nil, fmt.Errorf("decode launch plan: %w", err)
	}
	return p, nil
}
