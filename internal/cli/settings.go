package cli

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gowhisk/gowhisk/internal/config"
)

// settings are the flags of a command that reads the server's settings: one
// for each setting, and the file.
type settings struct {
	env   Env
	file  string
	flags *pflag.FlagSet
}

// value is the flag of one setting: its text, checked when all are merged.
type value struct {
	text string
	form string
}

func (v *value) String() string { return v.text }
func (v *value) Type() string   { return v.form }

func (v *value) Set(text string) error {
	v.text = text
	return nil
}

// addSettings gives cmd the flags of the settings that keep accepts.
func addSettings(cmd *cobra.Command, env Env, keep func(config.Setting) bool) *settings {
	s := &settings{env: env, flags: cmd.Flags()}
	s.flags.StringVarP(&s.file, "config", "c", "", "settings file (YAML)")
	for _, setting := range config.Defaults(0, anyHome).Settings() {
		if !keep(setting) {
			continue
		}
		flag := s.flags.VarPF(&value{form: setting.Type}, setting.Flag, "", fmt.Sprintf("%s [%s%s]", setting.Usage, config.EnvPrefix, setting.Env))
		flag.DefValue = setting.Default
		if setting.Type == "bool" {
			flag.NoOptDefVal = "true"
		}
	}
	return s
}

// anyHome makes the defaults that help shows those of nobody in particular.
func anyHome(key string) string {
	if key == "HOME" {
		return "~"
	}
	return ""
}

// load merges the settings of defaults, file, environment and flags.
func (s *settings) load(cmd *cobra.Command) (config.Config, error) {
	memory, err := config.MachineMemory()
	if err != nil {
		return config.Config{}, err
	}
	file := s.file
	if file == "" {
		file = s.env.Getenv(config.EnvPrefix + "CONFIG")
	}
	given := map[string]string{}
	s.flags.Visit(func(f *pflag.Flag) { given[f.Name] = f.Value.String() })
	defaults := config.Defaults(memory, s.env.Getenv)
	for _, unknown := range defaults.Unknown(s.env.Environ) {
		fmt.Fprintf(cmd.ErrOrStderr(), "gowhisk: warning: %s\n", unknown)
	}
	c, err := config.Load(cmd.Context(), config.Sources{
		Defaults: defaults, File: file, Lookup: s.env.LookupEnv, Flags: given,
	})
	if err != nil {
		return c, misuse{err}
	}
	return c, nil
}

// onlyDataDir keeps the one setting that a client of a server needs.
func onlyDataDir(s config.Setting) bool { return s.Path == "dataDir" }

func allSettings(config.Setting) bool { return true }
