package admin

import (
	"fmt"
	"slices"
	"strings"
)

// arguments are a command's words: names in order, and flags with their
// values by long name.
type arguments struct {
	names []string
	flags map[string][]string
}

func (a arguments) has(flag string) bool { return a.flags[flag] != nil }

// value is the last value of a flag, "" if it is not there.
func (a arguments) value(flag string) string {
	values := a.flags[flag]
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

// shape says what a command takes.
type shape struct {
	most  int // names; at least one is always needed
	flags []string
}

func shapes() map[string]shape {
	var limits []string
	for _, l := range limitTable() {
		limits = append(limits, l.name)
	}
	const unbounded = 1 << 20
	return map[string]shape{
		"user create":   {1, []string{"auth", "namespace", "revoke", "genonly", "silent"}},
		"user get":      {1, []string{"namespace", "all"}},
		"user delete":   {1, []string{"namespace"}},
		"user whois":    {1, nil},
		"user list":     {1, []string{"pick", "all", "key"}},
		"user block":    {unbounded, nil},
		"user unblock":  {unbounded, nil},
		"limits set":    {1, limits},
		"limits get":    {1, nil},
		"limits delete": {1, nil},
	}
}

// check reports a missing or surplus name and a flag of another command.
func (a arguments) check(of string) error {
	s := shapes()[of]
	if len(a.names) == 0 {
		return fmt.Errorf("%s: a name is missing", of)
	}
	if len(a.names) > s.most {
		return fmt.Errorf("%s: %q is too much", of, a.names[s.most])
	}
	for flag := range a.flags {
		if !slices.Contains(s.flags, flag) {
			return fmt.Errorf("%s: --%s is not a flag of this command", of, flag)
		}
	}
	return nil
}

// parse reads wskadmin's command line: names and flags in any order,
// --flag value or --flag=value, and several values for allowedKinds.
func parse(words []string) (arguments, error) {
	short := map[string]string{
		"-u": "auth", "-ns": "namespace", "-r": "revoke", "-g": "genonly", "-s": "silent",
		"-a": "all", "-p": "pick", "-k": "key",
	}
	switches := []string{"revoke", "genonly", "silent", "all", "key"}
	a := arguments{flags: map[string][]string{}}
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		long, isLong := strings.CutPrefix(word, "--")
		name, value, hasValue := strings.Cut(long, "=")
		switch {
		case short[word] != "":
			name, hasValue = short[word], false
		case !isLong || name == "":
			a.names = append(a.names, word)
			continue
		}
		switch {
		case slices.Contains(switches, name):
			a.flags[name] = []string{"true"}
		case hasValue:
			a.flags[name] = append(a.flags[name], value)
		default:
			n := values(name, words)
			if n == 0 {
				return a, fmt.Errorf("--%s needs a value", name)
			}
			a.flags[name] = append(a.flags[name], words[:n]...)
			words = words[n:]
		}
	}
	return a, nil
}

// values is how many of the words belong to the flag.
func values(flag string, words []string) int {
	n := 0
	for n < len(words) && !isFlag(words[n]) && (n == 0 || flag == "allowedKinds") {
		n++
	}
	return n
}

// isFlag tells a flag from a value, which may be a negative number.
func isFlag(word string) bool {
	return strings.HasPrefix(word, "-") && (len(word) == 1 || word[1] < '0' || word[1] > '9')
}
