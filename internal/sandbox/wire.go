package sandbox

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// marker is argument 0 of a re-executed launcher.
const marker = "gowhisk-sandbox-launcher"

// syncFD is the launcher's socket to the server. The descriptors below it are
// copies, holding the places of the target's own.
const syncFD = 4

// maxRights is how many descriptors the kernel passes in one message.
const maxRights = 253

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
	Zygote     bool      // the target is a zygote
	Own        []string  // of a zygote: mount points of its forks
	Sources    string    // of a zygote: what its forks take mounts from, if they are not passed
	Cell       *cellPlan // the reader is a zygote's fork
	Open       [4]bool   // which of the target's descriptors are passed
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
	Passed   bool // a detached mount is passed, in place of opening Source
	FD       int  // descriptor of the detached mount, once there is one
	Target   string
	Writable bool
	Device   bool
}

type planFile struct{ Path, Data string }

type planRlimit struct {
	Resource int
	Value    uint64
}

// writePlan sends the plan, and beside it the target's files that are open and
// then the passed mounts, in the order of the plan.
func writePlan(conn *net.UnixConn, p *plan, fds []int) error {
	body, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode launch plan: %w", err)
	}
	size := binary.LittleEndian.AppendUint32(nil, uint32(len(body)))
	if _, _, err := conn.WriteMsgUnix(size, unix.UnixRights(fds...), nil); err != nil {
		return fmt.Errorf("send descriptors: %w", err)
	}
	if _, err := conn.Write(body); err != nil {
		return fmt.Errorf("send launch plan: %w", err)
	}
	return nil
}

// readPlan receives a plan and the descriptors that came with it.
func readPlan(sync *os.File) (*plan, []int, error) {
	var size [4]byte
	oob := make([]byte, unix.CmsgSpace(4*maxRights))
	n, oobn, _, _, err := unix.Recvmsg(syncFD, size[:], oob, unix.MSG_CMSG_CLOEXEC|unix.MSG_WAITALL)
	if err != nil || n != len(size) {
		return nil, nil, errors.Join(errors.New("no launch plan arrived"), err)
	}
	fds, err := receivedFDs(oob[:oobn])
	if err != nil {
		return nil, nil, err
	}
	body := make([]byte, binary.LittleEndian.Uint32(size[:]))
	if _, err := io.ReadFull(sync, body); err != nil {
		return nil, nil, fmt.Errorf("read launch plan: %w", err)
	}
	p := new(plan)
	if err := json.Unmarshal(body, p); err != nil {
		return nil, nil, fmt.Errorf("decode launch plan: %w", err)
	}
	return p, fds, nil
}

// unixConn is a connection over a copy of the socket.
func unixConn(f *os.File) (*net.UnixConn, error) {
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	u, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("%T is no Unix socket", conn), conn.Close())
	}
	return u, nil
}
