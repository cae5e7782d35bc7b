package imagebuild

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// ServerSpec says which server an image is made of.
type ServerSpec struct {
	// Binaries are files of the program gowhisk, for one architecture each.
	Binaries []string
	Version  string
	// Platforms to build for; none means all that there are a binary and a proxy for.
	Platforms []v1.Platform
}

// Where things are in the image of a server.
const (
	serverFile = "/usr/bin/gowhisk"
	rootsFile  = "/etc/ssl/certs/ca-certificates.crt"
	dataDir    = "/data" // where a volume goes; its root may belong to another user
)

// nobodyID is the number of the user nobody.
const nobodyID = 65532

// Server makes the image of the server itself: nothing but the two programs, the roots that the
// world's certificates are checked with, and a data directory. It runs as a user without rights.
// The proxies of all architectures are in it, as it puts them into the images of actions.
func (b *Builder) Server(spec ServerSpec) (*Image, error) {
	binaries, err := byArchitecture(spec.Binaries)
	if err != nil {
		return nil, fmt.Errorf("the program gowhisk: %w", err)
	}
	wanted := spec.Platforms
	if len(wanted) == 0 {
		for arch := range binaries {
			wanted = append(wanted, v1.Platform{OS: "linux", Architecture: arch})
		}
		slices.SortFunc(wanted, func(x, y v1.Platform) int { return strings.Compare(x.Architecture, y.Architecture) })
	}
	var parts []part
	for _, p := range wanted {
		file, ok := binaries[p.Architecture]
		if !ok {
			return nil, fmt.Errorf("there is no gowhisk for %s: name one with --binary FILE (GOOS=linux GOARCH=%s CGO_ENABLED=0 go build ./cmd/gowhisk)", p, p.Architecture)
		}
		made, err := b.serverOn(scratch(p), file, spec.Version)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part{p, made})
	}
	return result(parts, false), nil
}

func byArchitecture(files []string) (map[string]string, error) {
	found := map[string]string{}
	for _, file := range files {
		arch, err := architectureOf(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		found[arch] = file
	}
	return found, nil
}

func (b *Builder) serverOn(on base, binary, version string) (v1.Image, error) {
	entries, err := b.serverEntries(on.platform, binary)
	if err != nil {
		return nil, err
	}
	l, err := newLayer(b.Work, entries)
	if err != nil {
		return nil, err
	}
	return assemble(on, []addition{{l, "gowhisk"}}, func(c *v1.Config) {
		c.Entrypoint, c.Cmd = []string{serverFile}, []string{"serve"}
		c.User, c.WorkingDir = nobody, dataDir
		c.ExposedPorts = map[string]struct{}{"3233/tcp": {}}
		setEnv(c, "PATH", "/usr/bin")
		setEnv(c, "HOME", dataDir)
		setEnv(c, "GOWHISK_LISTEN", "0.0.0.0:3233")
		setEnv(c, "GOWHISK_DATA_DIR", dataDir+"/gowhisk")
		label(c, LabelStage, stageServer)
		label(c, LabelTitle, "gowhisk")
		label(c, LabelVersion, version)
	})
}

// serverEntries are the files of the image. Of a program that is in no place that it is looked for
// the platform's own comes under its plain name.
func (b *Builder) serverEntries(p v1.Platform, binary string) ([]entry, error) {
	own, err := b.proxy(p)
	if err != nil {
		return nil, err
	}
	files := map[string]string{serverFile: binary, "/usr/bin/actionproxy": own}
	for _, proxy := range b.Proxies {
		if arch, err := architectureOf(proxy); err == nil && proxy != own {
			files["/usr/bin/actionproxy-linux-"+arch] = proxy
		}
	}
	entries := []entry{
		contentEntry(rootsFile[1:], roots(), false),
		contentEntry("etc/passwd", fmt.Appendf(nil, "gowhisk:x:%d:%d::%s:/sbin/nologin\n", nobodyID, nobodyID, dataDir), false),
		contentEntry("etc/group", fmt.Appendf(nil, "gowhisk:x:%d:\n", nobodyID), false),
		{name: dataDir[1:], mode: fs.ModeDir, owner: nobodyID},
		{name: "tmp", mode: fs.ModeDir | fs.ModeSticky},
	}
	for name, file := range files {
		e, err := fileEntry(name[1:], file, true)
		if err != nil {
			return nil, fmt.Errorf("the image of the server: %w", err)
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// roots are Mozilla's, in PEM, without those that it trusts under conditions: a file cannot say them.
func roots() []byte {
	var text bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			text.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}))
		}
	}
	return text.Bytes()
}
