package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// image makes the files of an image and returns their folder.
func image(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// started is a proxy that a test talks to; its output may be read once it has ended.
type started struct {
	cmd *exec.Cmd
	url string
	out bytes.Buffer
}

func serving(t *testing.T, env []string, args ...string) *started {
	t.Helper()
	address := freeAddress(t)
	s := &started{cmd: command(t, append(args, "--listen", address)...), url: "http://" + address}
	s.cmd.Env = append(s.cmd.Env, env...)
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *started) end(t *testing.T) {
	t.Helper()
	if err := errors.Join(s.cmd.Process.Signal(syscall.SIGTERM), s.cmd.Wait()); err != nil {
		t.Errorf("%v\n%s", err, &s.out)
	}
}

func TestEveryPlatformServesTheSameImage(t *testing.T) {
	dir := image(t, map[string]string{
		"action.json": `{"name":"hello","kind":"bash","code":"code.sh"}`,
		"code.sh":     `echo a line; echo "{\"key\":\"$OW_GATEWAY_KEY\",\"id\":\"$__OW_ACTIVATION_ID\",\"v\":$(cat)}"`,
	})
	action := []string{"--action", filepath.Join(dir, "action.json")}
	const want = `{"key":"","id":"i1","v":{"a":1}}`

	s := serving(t, nil, action...)
	if status, body := post(t, s.url+"/init", `{"value":{}}`); status != 200 {
		t.Errorf("init: %d %s", status, body)
	}
	if _, body := post(t, s.url+"/run", `{"value":{"a":1},"activation_id":"i1"}`); body != want {
		t.Errorf("openwhisk: got %s", body)
	}
	if status, _ := post(t, s.url+"/", `{}`); status != 404 {
		t.Errorf("openwhisk serves /: %d", status)
	}
	s.end(t)
	if out := s.out.String(); strings.Count(out, "XXX_THE_END") != 2 || !strings.Contains(out, "a line\n") {
		t.Errorf("printed %s", out)
	}

	s = serving(t, []string{"OW_RUNTIME_PLATFORM=knative"}, action...)
	if _, body := post(t, s.url+"/", `{"value":{"a":1},"activation":{"activation_id":"i1"}}`); body != want {
		t.Errorf("knative: got %s", body)
	}
	if status, _ := post(t, s.url+"/init", `{"value":{}}`); status != 404 {
		t.Errorf("knative serves /init: %d", status)
	}
	s.end(t)
	if out := s.out.String(); !strings.Contains(out, "a line\n") || strings.Contains(out, "XXX") {
		t.Errorf("printed %s", out)
	}
}

func TestShimIsInFrontOfTheOldEntrypoint(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(freeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	shim, err := json.Marshal(map[string]any{"command": []string{self, "--kind", "bash"}, "env": []string{"BE_ACTIONPROXY=1"}, "port": json.Number(port)})
	if err != nil {
		t.Fatal(err)
	}
	dir := image(t, map[string]string{
		"shim.json": string(shim), "action.json": `{"name":"hello","code":"code.sh"}`,
		"code.sh": `echo a line; echo "{\"key\":\"$OW_GATEWAY_KEY\",\"id\":\"$__OW_ACTIVATION_ID\",\"v\":$(cat)}"`,
	})
	s := serving(t, []string{"OW_SHIM_FILE=" + filepath.Join(dir, "shim.json"), "OW_ACTION_FILE=" + filepath.Join(dir, "action.json"), "OW_RUNTIME_DEBUG=true"}, "--platform", "shim")
	if _, body := post(t, s.url+"/", `{"value":{"a":1},"activation":{"activation_id":"i1"}}`); body != `{"key":"","id":"i1","v":{"a":1}}` {
		t.Errorf("got %s", body)
	}
	s.end(t)
	if out := s.out.String(); !strings.Contains(out, "a line\n") || strings.Contains(out, "XXX") || !strings.Contains(out, "msg=run activation=i1") {
		t.Errorf("printed %s", out)
	}
}

func TestGatewayKeyIsNotForActions(t *testing.T) {
	dir := image(t, map[string]string{"action.json": `{"name":"hello","kind":"bash","code":"code.sh"}`, "code.sh": `echo "{\"key\":\"$OW_GATEWAY_KEY\"}"`})
	s := serving(t, []string{"OW_GATEWAY_KEY=secret"}, "--platform", "knative", "--action", filepath.Join(dir, "action.json"))
	if _, body := post(t, s.url+"/", `{}`); body != `{"key":""}` {
		t.Errorf("got %s", body)
	}
	s.end(t)
}

func TestWrongFilesEndTheProgramWithAReason(t *testing.T) {
	dir := image(t, map[string]string{"bad.json": `{`, "method.json": `{"kind":"bash","methods":["FETCH"]}`, "port.json": `{"port":70000}`})
	for _, tc := range []struct {
		env  string
		want string
	}{
		{"OW_ACTION_FILE=" + dir + "/none.json", "no such file"},
		{"OW_ACTION_FILE=" + dir + "/bad.json", "unexpected end of JSON input"},
		{"OW_ACTION_FILE=" + dir + "/method.json", `method "FETCH" is none of`},
		{"OW_HTTP_METHODS=GET,FETCH", `OW_HTTP_METHODS: method "FETCH" is none of`},
		{"OW_CONTAINER_CONCURRENCY=many", "OW_CONTAINER_CONCURRENCY=many is no number"},
		{"OW_RUNTIME_PLATFORM=moon", `platform "moon" is not supported: use openwhisk, knative or shim`},
		{"OW_RUNTIME_PLATFORM=shim", "read the shim's file"},
	} {
		cmd := command(t, "--kind", "bash")
		cmd.Env = append(cmd.Env, tc.env, "OW_SHIM_FILE="+dir+"/port.json")
		out, err := cmd.CombinedOutput()
		var status *exec.ExitError
		if !errors.As(err, &status) || !strings.Contains(string(out), tc.want) {
			t.Errorf("%s: got %v\n%s", tc.env, err, out)
		}
		if moon := strings.HasSuffix(tc.env, "moon"); moon && status.ExitCode() != 9 {
			t.Errorf("%s: exit %d", tc.env, status.ExitCode())
		}
	}
}

// maxProgram bounds the program as it is in images, in bytes; its goal is 6 MB. Of that net/http and
// the TLS which comes with it are more than 5.
const maxProgram = 8_400_000

func TestProgramIsSmall(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command to build with")
	}
	file := filepath.Join(t.TempDir(), "actionproxy")
	cmd := exec.CommandContext(t.Context(), goTool, "build", "-tags", "nethttpomithttp2 nocrates", "-trimpath", "-ldflags=-s -w", "-o", file, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.1f MB; the goal is 6", float64(info.Size())/1e6)
	if info.Size() > maxProgram {
		t.Errorf("the program is of %d bytes", info.Size())
	}
}
