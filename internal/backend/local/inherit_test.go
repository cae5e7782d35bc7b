package local_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/sandbox"
)

// belongings are what a process finds when it looks around.
type belongings struct {
	Fds   map[string]string // number to target
	Env   map[string]string
	Mnt   string
	Pids  []string
	Args  string
	Child map[string]string // descriptors of a child that was started the usual way
}

// lookers answer their belongings, by family.
func lookers() map[string]string {
	return map[string]string{
		"nodejs": `const fs = require('fs'), cp = require('child_process');
function fds(dir) { const o = {}; for (const n of fs.readdirSync(dir)) try { o[n] = fs.readlinkSync(dir + '/' + n) } catch (e) {} return o }
function main() { const out = cp.execFileSync('/bin/sh', ['-c', 'for f in /proc/self/fd/*; do echo $f $(readlink $f); done']).toString();
 const child = {}; out.trim().split('\n').forEach(l => { const [f, to] = l.split(' '); child[f.split('/').pop()] = to || '' });
 return {fds: fds('/proc/self/fd'), env: process.env, mnt: fs.readFileSync('/proc/self/mountinfo', 'utf8'), pids: fs.readdirSync('/proc').filter(n => /^\d+$/.test(n)), child} }`,
		"python": `
import os, subprocess
def fds(d):
  o = {}
  for n in os.listdir(d):
    try: o[n] = os.readlink(d + '/' + n)
    except OSError: pass
  return o
def main(a):
  out = subprocess.run(['/bin/sh', '-c', 'for f in /proc/self/fd/*; do echo $f $(readlink $f); done'], capture_output=True, text=True, close_fds=False).stdout
  child = {l.split()[0].split('/')[-1]: (l.split() + [''])[1] for l in out.splitlines()}
  return {'fds': fds('/proc/self/fd'), 'env': dict(os.environ), 'mnt': open('/proc/self/mountinfo').read(), 'pids': [n for n in os.listdir('/proc') if n.isdigit()], 'child': child}`,
		"php": `<?php function main(array $a): array {
  $fds = []; foreach (scandir('/proc/self/fd') as $n) if (is_numeric($n)) $fds[$n] = (string) @readlink("/proc/self/fd/$n");
  $child = []; foreach (explode("\n", trim(shell_exec('for f in /proc/self/fd/*; do echo $f $(readlink $f); done'))) as $l) { $p = explode(' ', $l); $child[basename($p[0])] = $p[1] ?? ''; }
  return ['fds' => (object) $fds, 'env' => getenv(), 'mnt' => file_get_contents('/proc/self/mountinfo'), 'pids' => array_values(array_filter(scandir('/proc'), 'is_numeric')), 'child' => (object) $child]; }`,
		"ruby": `
def main(a)
  fds = {}
  Dir.children('/proc/self/fd').each { |n| fds[n] = (File.readlink("/proc/self/fd/#{n}") rescue next) }
  child = {}
  IO.popen(['/bin/sh', '-c', 'for f in /proc/self/fd/*; do echo $f $(readlink $f); done'], close_others: false).each_line { |l| f, to = l.split; child[f.split('/').last] = to || '' }
  {'fds' => fds, 'env' => ENV.to_h, 'mnt' => File.read('/proc/self/mountinfo'), 'pids' => Dir.children('/proc').grep(/^\d+$/), 'child' => child}
end`,
		"bash": "#!/bin/bash\nexec /usr/bin/python3 -c \"" + `
import os, json
o = {}
for n in os.listdir('/proc/self/fd'):
  try: o[n] = os.readlink('/proc/self/fd/' + n)
  except OSError: pass
print(json.dumps({'fds': o, 'env': dict(os.environ), 'mnt': open('/proc/self/mountinfo').read(), 'pids': [n for n in os.listdir('/proc') if n.isdigit()], 'child': o}))` + "\"\n",
	}
}

// documented is the environment of an action.
var documented = regexp.MustCompile(`^(__OW_(NAMESPACE|ACTION_NAME|ACTION_VERSION|ACTIVATION_ID|TRANSACTION_ID|DEADLINE|API_HOST|ALLOW_CONCURRENT)|PATH|HOME|TMPDIR|PWD|SHLVL|_|LANG|LC_\w+|NODE_PATH|RES_OPTIONS|PYTHON\w+|RUBY\w*)$`)

func TestAnActionInheritsNothing(t *testing.T) {
	t.Setenv("GOWHISK_SECRET", "secret-of-the-server")
	for _, tier := range tiers() {
		t.Run(string(tier), func(t *testing.T) {
			p := newPoolIn(t, tier, containerpool.Options{APIHost: "http://127.0.0.1:9"})
			revision := uint64(1)
			for family, code := range lookers() {
				t.Run(family, func(t *testing.T) {
					revision++
					msg := message(usableKind(t, family), code, "{}")
					msg.Action.Revision, msg.Action.Exec.CodeID = revision, "look-"+family
					msg.Action.Annotations = entity.Parameters{{Key: entity.AnnotationProvideAPIKey, Value: []byte("false")}}
					r := run(t, p, msg)
					var got belongings
					if err := json.Unmarshal(r.Response.Result, &got); err != nil || len(got.Env) == 0 {
						t.Fatalf("%v %.600s %q", r.Response.Status, r.Response.Result, r.Logs)
					}
					wantPlain(t, tier, family, got)
				})
			}
		})
	}
}

func wantPlain(t *testing.T, tier sandbox.Tier, family string, got belongings) {
	t.Helper()
	for name, value := range got.Env {
		if !documented.MatchString(name) || strings.Contains(value, "secret") || name == "__OW_API_KEY" {
			t.Errorf("environment has %s=%s", name, value)
		}
	}
	for of, fds := range map[string]map[string]string{"it": got.Fds, "its child": got.Child} {
		for n, to := range fds {
			own := strings.HasPrefix(to, "pipe:") || strings.HasPrefix(to, "/proc/") || to == "" || to == "/dev/null" ||
				strings.HasPrefix(to, "anon_inode:") || strings.HasPrefix(to, "socket:") || strings.HasPrefix(to, "/dev/") || strings.HasSuffix(to, "/php/launcher.php") || strings.Contains(to, "/tmp/")
			if !own {
				t.Errorf("%s holds descriptor %s, %s", of, n, to)
			}
		}
	}
	// PHP cannot close a descriptor, nor keep it from a child. A program that
	// runs anew for each activation has its arguments as descriptor 0.
	if to, ok := got.Child["3"]; ok && to == got.Fds["3"] && family != "bash" && family != "php" {
		t.Errorf("a child of it has the answer pipe, %s", to)
	}
	if to := got.Child["0"]; to == got.Fds["0"] && to != "/dev/null" && family != "bash" {
		t.Errorf("a child of it has its requests, %s", to)
	}
	if tier == sandbox.TierLandlock {
		return // sees the host's tree, and none of what it may not
	}
	for line := range strings.Lines(got.Mnt) {
		f := strings.Fields(line)
		if host := f[3]; strings.Contains(host, "gowhisk-test") || strings.HasPrefix(host, "/root") || strings.HasPrefix(host, "/home") {
			t.Errorf("a mount tells where it comes from: %s", strings.Join(f, " "))
		}
	}
	if slices.Contains(got.Pids, "2") && len(got.Pids) > 4 {
		t.Errorf("it sees processes %v", got.Pids)
	}
}
