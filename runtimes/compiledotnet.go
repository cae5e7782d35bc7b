package runtimes

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
)

// compileDotnet compiles the .NET launcher for one runtime, unless that was done before, and returns
// its folder below dir.
func compileDotnet(ctx context.Context, dir string, h Host) (string, error) {
	source, err := FS.ReadFile(h.Family.Launcher)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append(source, h.Path+h.Version...))
	folder := path.Join("dotnet", fmt.Sprintf("launcher-%x", sum[:6]))
	to := filepath.Join(dir, folder)
	if has(to, "Launcher.runtimeconfig.json") {
		return folder, nil
	}
	if err := makeDir(to); err != nil {
		return "", err
	}
	args, err := h.libraryArgs()
	if err != nil {
		return "", err
	}
	args = append(args, "-out:"+filepath.Join(to, "Launcher.dll"))
	cmd := exec.CommandContext(ctx, h.Path, append(args, filepath.Join(dir, h.Family.Launcher))...)
	cmd.Env = append(h.Environ(), "HOME="+to, "PATH=/usr/bin:/bin")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("compile the .NET launcher with %s: %w: %s", h.compiler, err, out)
	}
	config := fmt.Sprintf(`{"runtimeOptions":{"framework":{"name":"Microsoft.NETCore.App","version":%q},"rollForward":"Major"}}`, h.Version)
	// It comes last: a folder that has it is complete.
	if err := os.WriteFile(filepath.Join(to, "Launcher.runtimeconfig.json"), []byte(config), 0o644); err != nil {
		return "", fmt.Errorf("compile the .NET launcher: %w", err)
	}
	return folder, nil
}
