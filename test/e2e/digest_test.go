package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestAnImageBuiltTwiceHasOneDigest builds in other folders, from files of other days, in another zone,
// under another umask's modes, with nothing kept from before.
func TestAnImageBuiltTwiceHasOneDigest(t *testing.T) {
	c := newCluster(t)
	sources := map[string]map[string]string{
		"nodejs": {"index.js": "exports.main = args => ({sum: require('./lib/sum')(args)})\n", "lib/sum.js": "module.exports = ({a, b}) => a + b\n"},
		"python": {"__main__.py": "from sum import add\ndef main(args):\n  return {'sum': add(args)}\n", "sum.py": "def add(args): return args['a'] + args['b']\n"},
	}
	var runtimes runtimeImages
	for family, files := range sources {
		t.Run(family, func(t *testing.T) {
			base, err := runtimes.of(t, c, family)
			if err != nil {
				t.Fatal(err)
			}
			var built []string
			for day, zone := range []string{"UTC", "Asia/Tokyo"} {
				t.Setenv("TZ", zone)
				dir := lay(t, files, time.Date(2001, 1, 2+day, 3, 4, 5, 0, time.UTC), 0o600|os.FileMode(day)*0o044)
				built = append(built, build(t, dir, "--name", "sum", "--base", base, "--push", c.registry+"/e2e/sum-"+family))
			}
			if built[0] != built[1] {
				t.Errorf("the first is %s, the second %s", built[0], built[1])
			}
		})
	}
}

// lay writes files of a time and mode into a new folder.
func lay(t *testing.T, files map[string]string, at time.Time, mode os.FileMode) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, at, at); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
