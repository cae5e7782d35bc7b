package config_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gowhisk/gowhisk/internal/config"
)

const machine = 8 << 30

func env(pairs map[string]string) func(string) (string, bool) {
	return func(key string) (string, bool) {
		v, ok := pairs[key]
		return v, ok
	}
}

func load(t *testing.T, file string, variables, flags map[string]string) (config.Config, error) {
	t.Helper()
	from := config.Sources{
		Defaults: config.Defaults(machine, func(string) string { return "" }),
		Lookup:   env(variables), Flags: flags,
	}
	if file != "" {
		from.File = filepath.Join(t.TempDir(), "gowhisk.yaml")
		if err := os.WriteFile(from.File, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return config.Load(t.Context(), from)
}

func TestDefaultsAreValidAndMeasuredByTheMachine(t *testing.T) {
	c, err := load(t, "", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:3233" || c.Limits.InvocationsPerMinute != 60 || c.Limits.ConcurrentInvocations != 30 {
		t.Errorf("got %+v", c)
	}
	if c.Pool.Memory != 6*config.GB {
		t.Errorf("pool memory is %s, want three quarters of 8GB", c.Pool.Memory)
	}
}

func TestDataDirectoryFollowsXDGThenHome(t *testing.T) {
	for _, row := range []struct {
		env  map[string]string
		want string
	}{
		{map[string]string{"XDG_DATA_HOME": "/x", "HOME": "/h"}, "/x/gowhisk"},
		{map[string]string{"HOME": "/h"}, "/h/.gowhisk"},
		{nil, "/var/lib/gowhisk"},
	} {
		c := config.Defaults(machine, func(key string) string { return row.env[key] })
		if c.DataDir != row.want {
			t.Errorf("%v: got %s, want %s", row.env, c.DataDir, row.want)
		}
	}
}

func TestFlagsWinOverEnvironmentOverFile(t *testing.T) {
	file := "listen: 127.0.0.1:1\nlogLevel: warn\npool:\n  memory: 1GB\n  pauseGrace: 1s\n"
	c, err := load(t, file,
		map[string]string{"GOWHISK_LISTEN": "127.0.0.1:2", "GOWHISK_POOL_MEMORY": "2GB", "GOWHISK_TLS_SELF_SIGNED": "true"},
		map[string]string{"listen": "127.0.0.1:3", "pool-stem-cells": "nodejs:20=2,python:3.11=1", "egress-allow": "10.0.0.0/8,192.168.1.0/24"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:3" || c.Level != "warn" || c.Pool.Memory != 2*config.GB || !c.TLS.SelfSigned {
		t.Errorf("got %+v", c)
	}
	if c.Pool.PauseGrace != config.Duration(time.Second) {
		t.Errorf("pause grace is %s", c.Pool.PauseGrace)
	}
	if diff := cmp.Diff(map[string]int{"nodejs:20": 2, "python:3.11": 1}, c.Pool.StemCells); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"10.0.0.0/8", "192.168.1.0/24"}, c.Egress.Allow); diff != "" {
		t.Error(diff)
	}
}

func TestBrokenFileIsRefusedWithItsLine(t *testing.T) {
	for _, row := range []struct{ name, file, want string }{
		{"unknown key", "listen: 127.0.0.1:0\npool:\n  memroy: 1GB\n", `gowhisk.yaml:3: unknown field "memroy"`},
		{"broken syntax", "listen: 127.0.0.1:0\npool: [\n", "gowhisk.yaml:"},
		{"key twice", "listen: a\nlisten: b\n", "gowhisk.yaml:2: "},
		{"wrong type", "logLevel: info\nlimits:\n  firesPerMinute: many\n", "gowhisk.yaml:3: limits.firesPerMinute: is a string, not the int that belongs there"},
		{"duration without unit", "drain: \"10\"\n", `gowhisk.yaml:1: "10" is not a duration`},
		{"size without unit", "json: true\npool:\n  memory: \"900\"\n", `gowhisk.yaml:3: "900" is not a size`},
		{"out of range", "json: true\nlimits:\n  firesPerMinute: -5\n", `gowhisk.yaml:3: limits.firesPerMinute: -5 is less than 0`},
		{"no address", "json: true\nlisten: nowhere\n", `gowhisk.yaml:2: listen: "nowhere" is not an address`},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := load(t, row.file, nil, nil)
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("got %v, want %q in it", err, row.want)
			}
		})
	}
}

func TestBrokenValueIsBlamedOnItsFlagOrVariable(t *testing.T) {
	for _, row := range []struct {
		name, want string
		env, flags map[string]string
	}{
		{"variable", `GOWHISK_POOL_MEMORY: "x" is not a size`, map[string]string{"GOWHISK_POOL_MEMORY": "x"}, nil},
		{"flag", `--pool-memory: "y" is not a size`, nil, map[string]string{"pool-memory": "y"}},
		{"empty flag", "--data-dir: must not be empty", nil, map[string]string{"data-dir": ""}},
		{"empty flag over variable", "--drain: must not be empty", map[string]string{"GOWHISK_DRAIN": "1s"}, map[string]string{"drain": ""}},
		{"variable out of range", "GOWHISK_LIMITS_FIRES_PER_MINUTE: limits.firesPerMinute: -1", map[string]string{"GOWHISK_LIMITS_FIRES_PER_MINUTE": "-1"}, nil},
		{"flag over variable", "--listen: listen:", map[string]string{"GOWHISK_LISTEN": "127.0.0.1:0"}, map[string]string{"listen": "nowhere"}},
	} {
		if _, err := load(t, "", row.env, row.flags); err == nil || !strings.HasPrefix(err.Error(), row.want) {
			t.Errorf("%s: got %v, want %q", row.name, err, row.want)
		}
	}
}

func TestMisspeltVariablesAreFound(t *testing.T) {
	c := config.Defaults(machine, func(string) string { return "" })
	got := c.Unknown([]string{
		"GOWHISK_POOL_MEMROY=1GB", "GOWHISK_POOL_MEMORY=1GB", "GOWHISK_CONFIG=x", "GOWHISK_COLOUR=red", "PATH=/bin",
		"GOWHISK_SERVICE_HOST=10.0.0.1", "GOWHISK_PORT_3233_TCP_ADDR=10.0.0.1", "GOWHISK_PORT=tcp://10.0.0.1:3233", "GOWHISK_SERVICE_PORT_HTTP=1",
	})
	want := []string{
		"GOWHISK_COLOUR is no setting and has no effect",
		"GOWHISK_POOL_MEMROY is no setting and has no effect; is it GOWHISK_POOL_MEMORY?",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestValidateReportsEverythingThatIsWrong(t *testing.T) {
	c := config.Defaults(machine, func(string) string { return "" })
	c.Listen, c.Level, c.Isolation = "nowhere", "loud", "thick"
	c.TLS = config.TLS{Cert: "a.pem"}
	c.Egress.Allow = []string{"10.0.0.1"}
	c.Egress.DNS = []string{"resolver"}
	c.Bootstrap.Users = map[string]string{"guest": "short"}
	c.Pool.Memory = config.MB
	c.Limits.FiresPerMinute = -1
	c.WebHost = "https://whisk.example"
	c.Backend = "knative"
	c.Knative.StemCells = map[string]int{"nodejs:20": 1, "all": -1}
	err := c.Validate()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"listen:", "logLevel:", "isolation:", "tls:", "egress.allow:", "egress.dns:", "bootstrap.users.guest:", "pool.memory: 1MB is less than 128MB", "limits.firesPerMinute:", "webHost:",
		"knative.stemCells.all: -1 is less than 0", "knative.stemCells.nodejs:20: knative.images names no image for it"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in:\n%v", want, err)
		}
	}
}

func TestEverySettingHasThreeNamesAndAUsage(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range config.Defaults(machine, func(string) string { return "" }).Settings() {
		if s.Path == "" || s.Env == "" || s.Flag == "" || s.Usage == "" || s.Type == "" {
			t.Errorf("incomplete: %+v", s)
		}
		if s.Flag == "listen" && s.Default != "127.0.0.1:3233" || s.Flag == "pool-memory" && s.Default != "6GB" || s.Flag == "drain" && s.Default != "30s" {
			t.Errorf("default of --%s: %q", s.Flag, s.Default)
		}
		if seen[s.Flag] {
			t.Errorf("--%s is there twice", s.Flag)
		}
		seen[s.Flag] = true
	}
	for _, flag := range []string{"listen", "data-dir", "pool-memory", "retention-age", "isolation", "tls-self-signed", "json"} {
		if !seen[flag] {
			t.Errorf("--%s is missing", flag)
		}
	}
}

func TestMachineMemoryIsMeasured(t *testing.T) {
	memory, err := config.MachineMemory()
	if err != nil {
		t.Fatal(err)
	}
	if memory < 64<<20 {
		t.Errorf("got %d bytes", memory)
	}
}

func FuzzSizeReadsWhatItWrites(f *testing.F) {
	for _, seed := range []string{"0", "512MB", "16GB", "1KB", "7B", "-1MB", "99999999999GB", "MB"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var s, again config.Size
		if s.UnmarshalText([]byte(text)) != nil {
			return
		}
		if s < 0 {
			t.Fatalf("%q became %d", text, s)
		}
		if err := again.UnmarshalText([]byte(s.String())); err != nil || again != s {
			t.Fatalf("%q: %d was written as %s and read as %d, %v", text, s, s, again, err)
		}
	})
}

func TestLimitsOfActionsAreInOrderAndInWholeUnits(t *testing.T) {
	for _, row := range []struct{ name, file, want string }{
		{"default above the range", "limits:\n  actions:\n    memory:\n      max: 200MB\n", "limits.actions.memory.default: 256MB is not between 128MB and 200MB"},
		{"no whole megabytes", "limits:\n  actions:\n    logs:\n      max: 10500KB\n      default: 1MB\n", "limits.actions.logs.max: 10500KB is not in whole units of 1MB"},
		{"longer than anybody waits", "limits:\n  actions:\n    time:\n      max: 10m\n", "limits.actions.time.max: 10m0s is more than 9m0s"},
		{"payload beyond what is kept", "limits:\n  payload: 2MB\n", "limits.payload: 2MB is more than 1MB"},
		{"nobody in a container", "limits:\n  actions:\n    concurrency:\n      min: 0\n", "limits.actions.concurrency.min: 0 is less than 1"},
		{"HTTPS without certificate", "tls:\n  listen: 127.0.0.1:0\n", "tls.listen: HTTPS needs a certificate"},
		{"HTTPS nowhere", "tls:\n  listen: nowhere\n  selfSigned: true\n", `tls.listen: "nowhere" is not an address`},
		{"public URL without scheme", "publicURL: whisk.example\n", `publicURL: "whisk.example" is not a URL`},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := load(t, row.file, nil, nil)
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("got %v, want %q in it", err, row.want)
			}
		})
	}
	c, err := load(t, "publicURL: https://whisk.example:31001\nlimits:\n  actions:\n    time: {max: 9m, default: 2m}\n", nil, map[string]string{"actions-memory-max": "1GB"})
	if err != nil || c.Limits.Actions.Memory.Max != config.GB || c.Limits.Actions.Time.Default != config.Duration(2*time.Minute) {
		t.Errorf("got %+v, %v", c.Limits.Actions, err)
	}
}

func TestZeroOfAFileIsKept(t *testing.T) {
	c, err := load(t, "retention: {age: 0s, size: \"0\"}\ndrain: 0s\n", nil, nil)
	if err != nil || c.Retention.Age != 0 || c.Retention.Size != 0 || c.Drain != 0 {
		t.Errorf("got %+v, drain %s, %v", c.Retention, c.Drain, err)
	}
}
