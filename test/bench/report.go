package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// row is one line of the table. Zero fields were not measured.
type row struct {
	Name  string        `json:"name"`
	Rate  float64       `json:"perSecond,omitempty"`
	P50   time.Duration `json:"p50ns,omitempty"`
	P99   time.Duration `json:"p99ns,omitempty"`
	CPU   time.Duration `json:"cpuNsPerRequest,omitempty"`    // of the server side
	Own   time.Duration `json:"cpuOwnNsPerRequest,omitempty"` // part of it: the server process
	Bytes int64         `json:"bytes,omitempty"`
	Goal  *goal         `json:"goal,omitempty"`
	Note  string        `json:"note,omitempty"`
}

// goal is a figure that shall be at least or at most Bound, in Unit.
type goal struct {
	Value  float64 `json:"value"`
	Bound  float64 `json:"bound"`
	Unit   string  `json:"unit"`
	AtMost bool    `json:"atMost"`
	Met    bool    `json:"met"`
}

func atLeast(value, bound float64, unit string) *goal {
	return &goal{Value: value, Bound: bound, Unit: unit, Met: value >= bound}
}

func atMost(value, bound float64, unit string) *goal {
	return &goal{Value: value, Bound: bound, Unit: unit, AtMost: true, Met: value <= bound}
}

func (g *goal) String() string {
	if g == nil {
		return ""
	}
	sign, verdict := "≥", "met"
	if g.AtMost {
		sign = "≤"
	}
	if !g.Met {
		verdict = "MISSED"
	}
	return fmt.Sprintf("%.3g %s (%s %.3g) %s", g.Value, g.Unit, sign, g.Bound, verdict)
}

const rowFormat = "%-46s %9s %10s %10s %9s %9s %9s  %s\n"

// printHead writes the head of the table.
func printHead(w io.Writer) error {
	_, err := fmt.Fprintf(w, rowFormat, "", "per s", "p50 ms", "p99 ms", "CPU µs", "own µs", "MB", "goal")
	return err
}

// printRows writes lines of the table.
func printRows(w io.Writer, rows []row) error {
	for _, r := range rows {
		remark := strings.TrimSpace(r.Goal.String() + "  " + r.Note)
		_, err := fmt.Fprintf(w, rowFormat, r.Name, number(r.Rate, "%.0f"), number(milliseconds(r.P50), "%.3f"),
			number(milliseconds(r.P99), "%.3f"),
			number(float64(r.CPU)/1e3, "%.1f"), number(float64(r.Own)/1e3, "%.1f"), number(megabytes(r.Bytes), "%.1f"), remark)
		if err != nil {
			return err
		}
	}
	return nil
}

// number formats v, and what was not measured as nothing.
func number(v float64, format string) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf(format, v)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func megabytes(n int64) float64 { return float64(n) / (1 << 20) }

// writeJSON writes the machine and all rows to the file of the options.
func (b *bench) writeJSON() error {
	data, err := json.MarshalIndent(struct {
		Machine machine `json:"machine"`
		Quick   bool    `json:"quick,omitempty"`
		Rows    []row   `json:"rows"`
	}{b.machine, b.opt.quick, b.rows}, "", "  ")
	if err != nil {
		return fmt.Errorf("encode figures: %w", err)
	}
	if err := os.WriteFile(b.opt.output, append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("write figures: %w", err)
	}
	return nil
}
