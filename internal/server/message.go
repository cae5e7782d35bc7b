package server

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Summary is what a server says when it is ready.
type Summary struct {
	Version   string   `json:"version"`
	URL       string   `json:"url"`
	DataDir   string   `json:"dataDir"`
	Isolation string   `json:"isolation"`
	Kinds     []string `json:"kinds"`
	Memory    string   `json:"memory"`
	Auth      string   `json:"auth,omitempty"` // of guest, only if everybody knows it
	Insecure  bool     `json:"insecure"`       // clients must accept an own certificate
	Notes     []string `json:"notes,omitempty"`
}

// WriteJSON writes the summary as one line.
func (s Summary) WriteJSON(w io.Writer) error { return json.NewEncoder(w).Encode(s) }

// WriteText writes the summary for a person: at most twelve lines, every
// command ready to be pasted.
func (s Summary) WriteText(w io.Writer, color bool) error {
	bold, dim, reset := "", "", ""
	if color {
		bold, dim, reset = "\x1b[1m", "\x1b[2m", "\x1b[0m"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%sgowhisk %s%s   %s\n", bold, s.Version, reset, s.URL)
	kinds := strings.Join(s.Kinds, "  ")
	if kinds == "" {
		kinds = "none: gowhisk doctor says what to install"
	}
	for _, line := range [][2]string{{"data", s.DataDir}, {"isolation", s.Isolation}, {"kinds", kinds}, {"memory", s.Memory}} {
		fmt.Fprintf(&b, "  %s%-10s%s %s\n", dim, line[0], reset, line[1])
	}
	for _, note := range s.Notes {
		fmt.Fprintf(&b, "  %s%-10s%s %s\n", dim, "note", reset, note)
	}
	fmt.Fprintln(&b, s.wskLine())
	fmt.Fprintf(&b, "%sStop: Ctrl-C%s\n", dim, reset)
	_, err := io.WriteString(w, b.String())
	return err
}

// wskLine is the command that points wsk at this server as guest.
func (s Summary) wskLine() string {
	auth := s.Auth
	if auth == "" {
		auth = `"$(gowhisk admin --data-dir ` + s.DataDir + ` user get guest)"`
	}
	line := fmt.Sprintf("wsk property set --apihost %s --auth %s", s.URL, auth)
	if s.Insecure {
		line += "   # then: wsk -i …"
	}
	return line
}
