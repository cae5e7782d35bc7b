package protocoltest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// dotnet compiles the samples to one assembly, with what the newest SDK of PATH has: its compiler, its
// Newtonsoft.Json, and the libraries of its runtime. The archive has nothing but the assembly.
func (s Samples) dotnet(ctx context.Context) (Samples, error) {
	sdk, err := newest(ctx, "--list-sdks", "")
	if err != nil {
		return s, err
	}
	runtime, err := newest(ctx, "--list-runtimes", "Microsoft.NETCore.App ")
	if err != nil {
		return s, err
	}
	dir, err := os.MkdirTemp("", "contract-dotnet")
	if err != nil {
		return s, fmt.Errorf("make a folder for the .NET samples: %w", err)
	}
	defer os.RemoveAll(dir)
	read := reader{family: "dotnet"}
	source, assembly := filepath.Join(dir, "Probe.cs"), filepath.Join(dir, "Contract.dll")
	if err := os.WriteFile(source, []byte(read.text("Probe.cs")), 0o600); err != nil {
		return s, fmt.Errorf("lay out the .NET samples: %w", err)
	}
	args := []string{filepath.Join(sdk, "Roslyn", "bincore", "csc.dll"), "-nologo", "-t:library", "-out:" + assembly, "-r:" + filepath.Join(sdk, "Newtonsoft.Json.dll")}
	libraries, err := filepath.Glob(filepath.Join(runtime, "[Sn]*.dll"))
	if err != nil {
		return s, err
	}
	for _, library := range libraries {
		args = append(args, "-r:"+library)
	}
	cmd := exec.CommandContext(ctx, "dotnet", append(args, source)...)
	cmd.Env = append(cmd.Environ(), "HOME="+dir, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1", "DOTNET_CLI_TELEMETRY_OPTOUT=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		return s, fmt.Errorf("compile the .NET samples with %s: %w\n%s", sdk, err, out)
	}
	content, err := os.ReadFile(assembly)
	if err != nil {
		return s, err
	}
	code, err := zipped(map[string][]byte{"Contract.dll": content})
	of := func(main string) *Sample { return &Sample{Main: main, Code: code, Binary: true} }
	s.Probe, s.Niam, s.Broken = of("Contract::Contract.Probe::Main"), of("Contract::Contract.Probe::Niam"), of("Contract::Contract.Missing::Main")
	s.Archive, s.NoEmpty = s.Probe, true
	return s, errors.Join(read.err, err)
}

// newest is the folder of the last line of what dotnet lists, as "NAME VERSION [FOLDER]".
func newest(ctx context.Context, list, name string) (string, error) {
	out, err := exec.CommandContext(ctx, "dotnet", list).Output()
	if err != nil {
		return "", fmt.Errorf("compile the .NET samples: dotnet %s: %w", list, err)
	}
	folder := ""
	for line := range strings.Lines(string(bytes.TrimSpace(out))) {
		version, in, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), name), " [")
		if ok && strings.HasPrefix(line, name) {
			folder = filepath.Join(strings.TrimSuffix(in, "]"), version)
		}
	}
	if folder == "" {
		return "", fmt.Errorf("compile the .NET samples: dotnet %s names none", list)
	}
	return folder, nil
}
