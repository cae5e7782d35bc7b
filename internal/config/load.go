package config

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/sethvargo/go-envconfig"
	"sigs.k8s.io/yaml"
)

// Sources are the places that settings come from, weakest first.
type Sources struct {
	Defaults Config
	File     string                          // path of a YAML file, "" for none
	Lookup   func(key string) (string, bool) // environment variables
	Flags    map[string]string               // by Setting.Flag
}

// Load merges the sources and validates the result.
func Load(ctx context.Context, from Sources) (Config, error) {
	c := from.Defaults
	if from.File != "" {
		if err := readFile(from.File, &c); err != nil {
			return Config{}, err
		}
	}
	flags := map[string]string{}
	for _, s := range from.Defaults.Settings() {
		v, ok := from.Flags[s.Flag]
		if ok && v == "" && s.Default != "" { // or it would silently mean the default
			return Config{}, fmt.Errorf("%s: must not be empty", flagOf(s))
		}
		if ok {
			flags[s.Env] = v
		}
	}
	layers := []struct {
		name   func(Setting) string
		lookup envconfig.Lookuper
	}{
		{variableOf, envconfig.PrefixLookuper(EnvPrefix, envconfig.LookuperFunc(from.Lookup))},
		{flagOf, envconfig.MapLookuper(flags)},
	}
	for _, layer := range layers {
		err := envconfig.ProcessWith(ctx, &envconfig.Config{Target: &c, Lookuper: layer.lookup, DefaultOverwrite: true})
		if err != nil {
			return Config{}, unreadable(ctx, from.Defaults, layer.lookup, layer.name, err)
		}
	}
	return c, blamed(c.Validate(), from)
}

// readFile reads the YAML file over c. Unknown keys are errors, which name
// the line where one can be found.
func readFile(name string, c *Config) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("settings file: %w", err)
	}
	if err := yaml.UnmarshalStrict(data, c); err != nil {
		return fmt.Errorf("%s: %s", position(name, data, err.Error()), message(err.Error()))
	}
	return nil
}

// position is FILE:LINE of what an error of the YAML library complains
// about, or just FILE. The library gives a line for broken syntax only; else
// the key or the value that the text quotes is looked up.
func position(name string, data []byte, text string) string {
	if m := regexp.MustCompile(`line (\d+)`).FindStringSubmatch(text); m != nil {
		return name + ":" + m[1]
	}
	var wanted string
	if m := regexp.MustCompile(`unknown field "([^"]+)"|key "([^"]+)" already set|Go struct field (\S+) of type|"([^"]+)" is not a`).FindStringSubmatch(text); m != nil {
		wanted = m[1] + m[2] + m[3] + m[4]
	}
	wanted = wanted[strings.LastIndex(wanted, ".")+1:]
	for i, line := range strings.Split(string(data), "\n") {
		if wanted != "" && regexp.MustCompile(`(^|[\s:"'{,])`+regexp.QuoteMeta(wanted)+`($|[\s:"'},])`).MatchString(line) {
			return fmt.Sprintf("%s:%d", name, i+1)
		}
	}
	return name
}

// message strips the library's own words from its text and says the path of
// a value of the wrong type.
func message(text string) string {
	for _, prefix := range []string{"error converting YAML to JSON: ", "error unmarshaling JSON: ", "while decoding JSON: ", "yaml: ", "unmarshal errors:\n  ", "json: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	text = regexp.MustCompile(`^line \d+: `).ReplaceAllString(text, "") // position says it
	wrongType := regexp.MustCompile(`cannot unmarshal (\w+) into Go struct field \w+\.(\S+) of type (\w+).*`)
	return strings.TrimSpace(wrongType.ReplaceAllString(text, "$2: is a $1, not the $3 that belongs there"))
}
