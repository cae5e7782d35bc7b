package imagebuild

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Builder makes images. Its fields are set before the first call and then only read; its methods may
// be called concurrently.
type Builder struct {
	// Work is a folder that stays until the images have been written. The caller removes it.
	Work string
	// Cache is a folder that is kept between builds; empty keeps nothing.
	Cache string
	// Proxies are files of the program actionproxy, for one architecture each.
	Proxies []string
	// Keychain has the credentials for registries; nil means those of `docker login`.
	Keychain authn.Keychain
	// Own says that sources are those of whoever runs this program. Those of others are compiled only
	// where no compiler reads other files for them, or runs what they say: in Go.
	Own bool
	// Environ is the environment of package managers and git.
	Environ []string
	// Say is told, in sentences, what happens and takes time; nil tells nobody.
	Say func(format string, args ...any)

	once      sync.Once
	transport http.RoundTripper // set by once
}

func (b *Builder) cache() cache { return cache(b.Cache) }

func (b *Builder) say(format string, args ...any) {
	if b.Say != nil {
		b.Say(format, args...)
	}
}

// platform is the one that is built for where nothing says which.
func (b *Builder) platform() v1.Platform {
	return v1.Platform{OS: "linux", Architecture: runtime.GOARCH}
}

// proxy returns the program for a platform.
func (b *Builder) proxy(p v1.Platform) (string, error) {
	var have []string
	for _, file := range b.Proxies {
		arch, err := architectureOf(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("the proxy %s: %w", file, err)
		}
		if arch == p.Architecture {
			return file, nil
		}
		have = append(have, arch)
	}
	if have == nil {
		return "", errors.New("the program actionproxy is not beside this one: say where it is with --proxy FILE")
	}
	return "", fmt.Errorf("there is no actionproxy for %s, only for %s: name one with --proxy FILE (GOOS=linux GOARCH=%s go build ./cmd/actionproxy)",
		p, strings.Join(have, ", "), p.Architecture)
}

// architectureOf reads the architecture of a program for Linux.
func architectureOf(file string) (string, error) {
	program, err := elf.Open(file)
	if err != nil {
		return "", err
	}
	defer program.Close()
	if program.Section(".interp") != nil {
		return "", errors.New("it is linked dynamically and would not start in every image")
	}
	switch program.Machine {
	case elf.EM_X86_64:
		return "amd64", nil
	case elf.EM_AARCH64:
		return "arm64", nil
	case elf.EM_ARM:
		return "arm", nil
	case elf.EM_RISCV:
		return "riscv64", nil
	case elf.EM_S390:
		return "s390x", nil
	}
	return "", fmt.Errorf("it is for a machine that is not built for, %s", program.Machine)
}

// ProxiesBeside lists the proxies in the folder of a program: actionproxy and actionproxy-linux-ARCH.
func ProxiesBeside(program string) []string {
	dir := filepath.Dir(program)
	more, err := filepath.Glob(filepath.Join(dir, "actionproxy-linux-*"))
	if err != nil {
		more = nil // the folder's name is no pattern
	}
	return slices.Concat([]string{filepath.Join(dir, "actionproxy")}, more)
}

// supported leaves of an index what there is a proxy for, at least one.
func (b *Builder) supported(found *bases, wanted []v1.Platform) error {
	var first error
	kept := slices.DeleteFunc(slices.Clone(found.list), func(x base) bool {
		_, err := b.proxy(x.platform)
		if err != nil && first == nil {
			first = err
		}
		return err != nil
	})
	if len(kept) == 0 || len(wanted) > 0 && first != nil {
		return first
	}
	if left := len(found.list) - len(kept); left > 0 {
		b.say("%d of %d platforms are left out: %v", left, len(found.list), first)
	}
	found.list = kept
	return nil
}

// workDir makes a folder below Work.
func (b *Builder) workDir(name string) (string, error) {
	dir, err := os.MkdirTemp(b.Work, name+"-")
	if err != nil {
		return "", fmt.Errorf("make a folder: %w", err)
	}
	return dir, nil
}
