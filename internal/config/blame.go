package config

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/sethvargo/go-envconfig"
)

// unreadable says which of the given values of one source cannot be read, by
// the name that its user wrote; err is what reading all of them said.
func unreadable(ctx context.Context, defaults Config, lookup envconfig.Lookuper, name func(Setting) string, err error) error {
	for _, s := range defaults.Settings() {
		value, ok := lookup.Lookup(s.Env)
		if !ok {
			continue
		}
		alone := defaults
		one := envconfig.ProcessWith(ctx, &envconfig.Config{Target: &alone, Lookuper: envconfig.MapLookuper(map[string]string{s.Env: value}), DefaultOverwrite: true})
		if one != nil {
			return fmt.Errorf("%s: %s", name(s), regexp.MustCompile(`^([A-Z]\w*: )+`).ReplaceAllString(one.Error(), ""))
		}
	}
	return err
}

func flagOf(s Setting) string     { return "--" + s.Flag }
func variableOf(s Setting) string { return EnvPrefix + s.Env }

// blamed puts in front of every line of err, which begins with the path of a
// setting, where the value came from: flag, variable, or line of the file.
func blamed(err error, from Sources) error {
	if err == nil {
		return nil
	}
	lines := strings.Split(err.Error(), "\n")
	for i, line := range lines {
		path, _, _ := strings.Cut(line, ":")
		lines[i] = origin(path, from) + line
	}
	return errors.New(strings.Join(lines, "\n"))
}

func origin(path string, from Sources) string {
	all := from.Defaults.Settings()
	if i := slices.IndexFunc(all, func(s Setting) bool { return s.Path == path }); i >= 0 {
		if _, ok := from.Flags[all[i].Flag]; ok {
			return flagOf(all[i]) + ": "
		}
		if _, ok := from.Lookup(variableOf(all[i])); ok {
			return variableOf(all[i]) + ": "
		}
	}
	if from.File == "" {
		return ""
	}
	data, err := os.ReadFile(from.File)
	if err != nil {
		return from.File + ": "
	}
	return position(from.File, data, fmt.Sprintf("unknown field %q", path)) + ": "
}

// Unknown returns a sentence for every variable of the environment (KEY=VALUE)
// that looks like a setting and is none. The variables that Kubernetes makes
// for a service called gowhisk do not count.
func (c Config) Unknown(environ []string) []string {
	known := []string{"CONFIG"}
	for _, s := range c.Settings() {
		known = append(known, s.Env)
	}
	ofKubernetes := regexp.MustCompile(`(^|_)(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT(_\d+_(TCP|UDP|SCTP)(_.*)?)?)$`)
	var out []string
	for _, variable := range environ {
		key, _, _ := strings.Cut(variable, "=")
		name, ok := strings.CutPrefix(key, EnvPrefix)
		if !ok || slices.Contains(known, name) || ofKubernetes.MatchString(name) {
			continue
		}
		said := key + " is no setting and has no effect"
		if near := nearest(name, known); near != "" {
			said += "; is it " + EnvPrefix + near + "?"
		}
		out = append(out, said)
	}
	slices.Sort(out)
	return out
}

// nearest is the known name that a name with at most three wrong letters may
// be meant to be, "" if there is none.
func nearest(name string, known []string) (best string) {
	least := min(3, len(name)/3) + 1
	for _, k := range known {
		if d := distance(name, k); d < least {
			best, least = k, d
		}
	}
	return best
}

// distance counts the letters to insert, remove or replace to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
