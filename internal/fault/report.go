package fault

import (
	"regexp"
	"strings"
)

// Report is a fault of one occasion, ready to show or to be stored as the
// annotation `x-error`.
type Report struct {
	Code      string    `json:"code"`
	Component Component `json:"component"`
	Whose     Whose     `json:"whose"`
	What      string    `json:"what"`
	Why       string    `json:"why"`
	Next      []string  `json:"next"`
}

// Report fills the placeholders of f with values; one without a value is
// shown in capitals, so that {action} reads ACTION. why, if not empty, is
// what was measured and replaces the usual reason.
func (f Fault) Report(why string, values map[string]string) Report {
	if why == "" {
		why = fill(f.Why, values)
	}
	r := Report{Code: f.Code, Component: f.Component, Whose: f.Whose, What: fill(f.What, values), Why: why}
	for _, next := range f.Next {
		r.Next = append(r.Next, fill(next, values))
	}
	return r
}

// String renders what, why and next as a person reads them: a headline with
// the code and indented lines below it, without a trailing newline.
func (r Report) String() string {
	var b strings.Builder
	b.WriteString(r.Code + " " + r.What)
	if r.Why != "" {
		b.WriteString("\n  why   " + r.Why)
	}
	label := "next  "
	for _, next := range r.Next {
		b.WriteString("\n  " + label + next)
		label = "      "
	}
	return b.String()
}

func fill(template string, values map[string]string) string {
	placeholder := regexp.MustCompile(`\{[a-z]+\}`)
	return placeholder.ReplaceAllStringFunc(template, func(name string) string {
		name = name[1 : len(name)-1]
		if value := values[name]; value != "" {
			return value
		}
		return strings.ToUpper(name)
	})
}
