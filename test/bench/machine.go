package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
)

// machine is where and when the figures were taken.
type machine struct {
	Time     time.Time `json:"time"`
	CPUs     int       `json:"cpus"`
	Model    string    `json:"model"`
	Kernel   string    `json:"kernel"`
	Go       string    `json:"go"`
	Runtimes []string  `json:"runtimes"`
	Load     string    `json:"load"` // of others, just before the run
}

func describe(languages []language) (machine, error) {
	m := machine{Time: time.Now().UTC().Truncate(time.Second), CPUs: runtime.NumCPU(), Go: runtime.Version()}
	for _, l := range languages {
		m.Runtimes = append(m.Runtimes, l.name+" "+l.version)
	}
	kernel, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return m, err
	}
	m.Kernel = strings.TrimSpace(string(kernel))
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return m, err
	}
	m.Load, _, _ = strings.Cut(string(load), " ")
	cpus, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return m, err
	}
	for line := range strings.Lines(string(cpus)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			m.Model = strings.TrimSpace(value)
			break
		}
	}
	return m, nil
}

// print writes the machine and the head of the table.
func (m machine) print(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%d × %s, Linux %s, %s, %s, load before %s\nCPU is that of the server side for one request, own that of the server process in it; ratios are within one round.\n\n",
		m.CPUs, m.Model, m.Kernel, m.Go, strings.Join(m.Runtimes, ", "), m.Load)
	if err != nil {
		return err
	}
	return printHead(w)
}
