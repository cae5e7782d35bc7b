package config

import (
	"fmt"
	"reflect"
	"strings"
)

// EnvPrefix begins the environment variable of every setting.
const EnvPrefix = "GOWHISK_"

// Setting is one setting with its three names.
type Setting struct {
	Path  string // in the file: pool.memory
	Env   string // without EnvPrefix: POOL_MEMORY
	Flag  string // without dashes: pool-memory
	Usage string
	Type  string // bool, or the form of the value: string, int, duration, size, list, map

	Default string // as it is written; empty for none, and for lists and maps
}

// Settings lists every setting in the order of Config; c has the defaults.
func (c Config) Settings() []Setting { return settingsOf(reflect.ValueOf(c), "", "") }

func settingsOf(v reflect.Value, path, env string) []Setting {
	var all []Setting
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("env"), ",")
		at := path + field.Tag.Get("json")
		if name == "" {
			_, prefix, _ := strings.Cut(field.Tag.Get("env"), "prefix=")
			all = append(all, settingsOf(v.Field(i), at+".", env+prefix)...)
			continue
		}
		name = env + name
		all = append(all, Setting{
			Path: at, Env: name, Flag: flagName(name),
			Usage: field.Tag.Get("usage"), Type: form(field.Type), Default: text(v.Field(i)),
		})
	}
	return all
}

func form(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[Duration]():
		return "duration"
	case reflect.TypeFor[Size]():
		return "size"
	}
	switch t.Kind() {
	case reflect.Slice:
		return "list"
	case reflect.Map:
		return "map"
	}
	return t.Kind().String()
}

// text is how a default is written.
func text(v reflect.Value) string {
	if v.IsZero() || v.Kind() == reflect.Slice || v.Kind() == reflect.Map {
		return ""
	}
	return fmt.Sprint(v.Interface())
}

// flagName is the flag of an environment variable. The defaults of namespaces
// are the flags that operators set most, so those go without a prefix.
func flagName(env string) string {
	return strings.TrimPrefix(strings.ToLower(strings.ReplaceAll(env, "_", "-")), "limits-")
}
