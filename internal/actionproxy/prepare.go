package actionproxy

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"

	"github.com/gowhisk/gowhisk/internal/protocol"
	"github.com/gowhisk/gowhisk/runtimes"
)

// Prepared is an init whose code has been laid out as files where the family needs that.
type Prepared struct {
	// Init is for the launcher. Its Dir is a directory of this host, or empty.
	Init protocol.Init
	// Source is the directory of source that has to be compiled before; empty when nothing has.
	Source string
}

// Acknowledged says that the source has been compiled by the family's compiler into dir/exec: the
// program tells when it has started.
func (p *Prepared) Acknowledged(dir string) {
	p.Source = ""
	p.Init.Dir = dir
	p.setEnv(protocol.EnvWaitForAck, "true")
}

func (p *Prepared) setEnv(key, value string) {
	if p.Init.Env == nil {
		p.Init.Env = protocol.Env{}
	}
	p.Init.Env[key] = value
}

// Prepare turns the value of POST /init into what a family's launcher gets: archives are extracted
// into dir, code that must be a file becomes one. What is wrong with the code is a
// *protocol.Failure, with the status and text that OpenWhisk's runtimes answer.
func Prepare(in protocol.Init, f runtimes.Family, dir string, limits ArchiveLimits) (Prepared, error) {
	out := Prepared{Init: in}
	out.Init.Dir, out.Init.Env = "", maps.Clone(in.Env)
	needsMain := f.RequireMain || f.Name == "nodejs"
	if in.Main == "" && !needsMain {
		out.Init.Main = "main"
	}
	if in.Code == "" && f.StubCode {
		return out, nil
	}
	if in.Code == "" || in.Main == "" && needsMain {
		return Prepared{}, &protocol.Failure{Status: http.StatusForbidden, Message: protocol.NoCode}
	}
	code := []byte(in.Code)
	if in.Binary {
		var err error
		if code, err = base64.StdEncoding.DecodeString(in.Code); err != nil {
			return Prepared{}, &protocol.Failure{Status: http.StatusBadRequest, Message: "cannot decode the action's code: " + err.Error()}
		}
	}
	out.Init.Code, out.Init.Binary = "", false
	kind := kindOf(code)
	archive := in.Binary && (kind == zipArchive || kind == tarArchive) && !f.KeepArchive
	if !archive && f.CodeFile == "" {
		out.Init.Code = string(code)
		return out, nil
	}
	var err error
	if archive {
		err = unpack(code, dir, limits)
		if err != nil && !isDiskFault(err) {
			return Prepared{}, &protocol.Failure{Status: http.StatusBadGateway, Message: err.Error()}
		}
	} else {
		err = layOut(code, dir, fileName(f, kind))
	}
	if err != nil {
		return Prepared{}, err
	}
	if f.Compiled && !hasExecutable(dir) {
		out.Source = dir
		return out, nil
	}
	out.Init.Dir = dir
	return out, nil
}

// fileName is the name of a single file of code.
func fileName(f runtimes.Family, kind codeKind) string {
	if f.Compiled && kind == unknownFile {
		return f.SourceFile
	}
	return f.CodeFile
}

func layOut(code []byte, dir, name string) error {
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("lay out the action's code: %w", err)
	}
	if err := os.WriteFile(file, code, 0o755); err != nil {
		return fmt.Errorf("lay out the action's code: %w", err)
	}
	if err := os.Chmod(file, 0o755); err != nil {
		return fmt.Errorf("lay out the action's code: %w", err)
	}
	return nil
}

// isDiskFault tells faults of this host from those of the archive.
func isDiskFault(err error) bool {
	return errors.Is(err, fs.ErrPermission) || isNoSpace(err)
}

func encodeBase64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func hasExecutable(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, executable))
	return err == nil && info.Mode().IsRegular()
}
