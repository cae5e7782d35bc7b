package image

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

func source(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestAnActionOnNothingButScratchAnswers(t *testing.T) {
	const hello = "package main\n\nfunc Main(args map[string]any) map[string]any {\n\treturn map[string]any{\"greeting\": args[\"name\"]}\n}\n"
	digest, dir := build(t, source(t, "hello.go", hello), "--base", "scratch")
	if again, _ := build(t, source(t, "hello.go", hello), "--base", "scratch"); again != digest {
		t.Errorf("built in another folder it is %s, not %s", again, digest)
	}
	url := container(t, dir)
	if status, text := post(t, url, `{"name":"Bob"}`); status != http.StatusOK || text != `{"greeting":"Bob"}` {
		t.Errorf("got %d %s", status, text)
	}
}

// TestBothStagesMakeAnActionOfNodeThatAnswers builds them on an image of this host's Node.js.
func TestBothStagesMakeAnActionOfNodeThatAnswers(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not on this machine")
	}
	if node, err = filepath.EvalSymlinks(node); err != nil {
		t.Fatal(err)
	}
	libraries, err := exec.Command("ldd", node).Output()
	if err != nil {
		t.Skipf("ldd does not tell what node needs: %v", err)
	}
	files := map[string]string{"/usr/bin/node": node}
	for _, match := range regexp.MustCompile(`(?m)(/\S+) \(0x`).FindAllSubmatch(libraries, -1) {
		files[string(match[1])] = string(match[1])
	}
	_, runtime := build(t, "runtime", "--kind", "nodejs", "--base", base(t, files, v1.Config{Env: []string{"PATH=/usr/bin:/bin"}}))
	_, dir := build(t, source(t, "hello.js", "function main(args) { return {greeting: 'Hello ' + args.name} }\n"), "--base", runtime)

	url := container(t, dir)
	if status, text := post(t, url, `{"name":"Bob"}`); status != http.StatusOK || text != `{"greeting":"Hello Bob"}` {
		t.Errorf("got %d %s", status, text)
	}
}

func TestAShimMakesARuntimeOfOthersAnswerKnative(t *testing.T) {
	port := freePort(t)
	theirs := base(t, map[string]string{"/runtime": programs.foreign}, v1.Config{Entrypoint: []string{"/runtime"}, Cmd: []string{port}})
	_, dir := build(t, "shim", theirs, "--port", port, "--name", "hello")
	url := container(t, dir)
	for range 2 {
		status, text := post(t, url, `{"init":{},"activation":{"activation_id":"0123456789abcdef0123456789abcdef"},"value":{"name":"Bob"}}`)
		if status == http.StatusOK {
			t.Errorf("an image that is dedicated took an init: %s", text)
		}
		if status, text = post(t, url, `{"name":"Bob"}`); status != http.StatusOK || text != `{"activation":true,"name":"Bob"}` {
			t.Errorf("got %d %s", status, text)
		}
	}
}
