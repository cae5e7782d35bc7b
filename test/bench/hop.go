package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// hopCommand as first argument of a floor makes it what proxies in front of
// HTTP runtimes are: each request becomes another one, over connections that
// are kept.
//
//	bench floor hop INTERPRETER SCRIPT CODE
const hopCommand = "hop"

// startHop starts the runtime, which ends with ctx and with this process.
func startHop(ctx context.Context, interpreter, script, code string) (http.HandlerFunc, error) {
	cmd := exec.CommandContext(ctx, interpreter, script)
	cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", "HOME=/tmp", "CODE=" + code}
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", interpreter, err)
	}
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the runtime did not say its port: %w", err), cmd.Process.Kill(), cmd.Wait())
	}
	url := "http://127.0.0.1:" + strings.TrimSpace(port) + "/run"
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	return func(w http.ResponseWriter, r *http.Request) {
		result, err := hop(r, client, url)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		answer(w, result)
	}, nil
}

// hop passes a request on.
func hop(r *http.Request, client *http.Client, url string) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(r.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	result, err := io.ReadAll(response.Body)
	return result, errors.Join(err, response.Body.Close())
}
