package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The one user of a sandbox, as it sees itself.
const (
	insideUID  = 1000
	insideName = "action"
)

// base is what every root file system on this host consists of. It is read
// once; the launcher only replays it.
type base struct {
	mounts []planMount
	links  []planFile
	files  []planFile
}

// readBase looks at the host's layout.
func readBase() (base, error) {
	var b base
	for _, dir := range []string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"} {
		if err := b.share(dir); err != nil {
			return b, err
		}
	}
	shared := []string{
		"/etc/alternatives", "/etc/ld.so.cache", "/etc/ssl/certs", "/etc/pki/tls/certs",
		"/etc/pki/ca-trust/extracted", "/etc/ca-certificates", "/etc/localtime", "/etc/php",
		"/etc/services",
	}
	java, err := filepath.Glob("/etc/java-*")
	if err != nil {
		return b, fmt.Errorf("look for Java's configuration: %w", err)
	}
	for _, name := range append(shared, java...) {
		if err := b.share(name); err != nil {
			return b, err
		}
	}
	for _, dev := range []string{"null", "zero", "full", "random", "urandom"} {
		b.mounts = append(b.mounts, planMount{Source: "/dev/" + dev, Target: "/dev/" + dev, Device: true})
	}
	b.links = append(b.links,
		planFile{"/dev/fd", "/proc/self/fd"}, planFile{"/dev/stdin", "/proc/self/fd/0"},
		planFile{"/dev/stdout", "/proc/self/fd/1"}, planFile{"/dev/stderr", "/proc/self/fd/2"},
		planFile{"/dev/shm", "/tmp"}, planFile{"/var/tmp", "/tmp"}, planFile{"/var/run", "/run"},
		planFile{"/etc/mtab", "/proc/self/mounts"})
	b.files = etcFiles()
	return b, nil
}

// share shows a host path inside at the same place: a symlink as one,
// anything else as a read-only bind. Absence is fine, and so is what this
// user may not see.
func (b *base) share(name string) error {
	info, err := os.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at %s: %w", name, err)
	}
	if info.Mode().Type() != fs.ModeSymlink {
		b.mounts = append(b.mounts, planMount{Source: name, Target: name})
		return nil
	}
	target, err := os.Readlink(name)
	if err != nil {
		return fmt.Errorf("look at %s: %w", name, err)
	}
	b.links = append(b.links, planFile{name, target})
	return nil
}

func etcFiles() []planFile {
	user := fmt.Sprintf("%s:x:%d:%d::/tmp:/bin/sh\n", insideName, insideUID, insideUID)
	resolv := []string{"nameserver 127.0.0.1"}
	if host, err := os.ReadFile("/etc/resolv.conf"); err == nil {
		for line := range strings.Lines(string(host)) {
			if f := strings.Fields(line); len(f) > 1 && (f[0] == "search" || f[0] == "options") {
				resolv = append(resolv, strings.Join(f, " "))
			}
		}
	}
	return []planFile{
		{"/etc/passwd", "root:x:0:0::/:/bin/false\n" + user + "nobody:x:65534:65534::/:/bin/false\n"},
		{"/etc/group", fmt.Sprintf("root:x:0:\n%s:x:%d:\nnogroup:x:65534:\n", insideName, insideUID)},
		{"/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"},
		{"/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nnetworks: files\n" +
			"protocols: files\nservices: files\n"},
		{"/etc/resolv.conf", strings.Join(resolv, "\n") + "\n"},
	}
}
