package runtimes

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// probe is how one family's interpreters are found and asked.
type probe struct {
	title    string
	patterns []string // names of executables, best first
	args     []string
	read     func(file, output string) (found, error)
	// written is what read needs, taken from a file beside the interpreter; "" if there is none.
	// Nil where only the interpreter itself can tell.
	written func(file string) string
	// named reads the version, but for its last part, from the name of a file; nil where names do not
	// tell.
	named   func(file string) (found, bool)
	install string // what to install, with %s for the version
	// backwards: a newer one serves older kinds too.
	backwards bool
	// require checks what else the kind needs; it may add to the host.
	require func(h *Host) (missing, hint string)
}

var errNoVersion = errors.New("no version in its output")

// probes are by family.
func probes() map[string]probe {
	return map[string]probe{
		"nodejs": {
			title: "Node.js", patterns: []string{"node", "nodejs", "node[0-9]*"}, args: []string{"--version"}, written: writtenNode,
			read: readVersion(`^v((\d+)\.\d+\.\d+)`), install: "Node.js %s from nodejs.org or your distribution",
		},
		"python": {
			title: "Python", patterns: []string{"python3", "python3.[0-9]", "python3.[0-9][0-9]"},
			args: []string{"-I", "-c", "import sys;print(sys.version.split()[0],'%d.%d'%sys.version_info[:2],sys.executable,sys.base_prefix,sep='\\n')"},
			read: readPython, named: namedPython, install: "python%s (python3-minimal and its standard library)",
		},
		"php": {
			title: "PHP", patterns: []string{"php", "php[0-9]*"}, args: []string{"-n", "--version"},
			read: readVersion(`PHP ((\d+\.\d+)\.\d+)[^(]*\(cli\)`), install: "php%s-cli",
		},
		"ruby": {
			title: "Ruby", patterns: []string{"ruby", "ruby[0-9]*"}, args: []string{"--version"},
			read: readVersion(`^ruby ((\d+\.\d+)\.\d+)`), install: "ruby%s",
		},
		"java": {
			title: "Java", patterns: []string{"java"}, args: []string{"-version"}, written: writtenJava,
			read: readJava, install: "openjdk-%s-jdk-headless", backwards: true, require: requireJava,
		},
		"go": {
			title: "Go", patterns: []string{"go"}, args: []string{"version"}, backwards: true,
			read: readVersion(`go version go((\d+\.\d+)[^ ]*)`), install: "Go %s from go.dev/dl",
		},
		"rust": {
			title: "Rust", patterns: []string{"cargo"}, args: []string{"--version"}, backwards: true,
			read: readVersion(`^cargo ((\d+\.\d+)[^ ]*)`), install: "Rust %s (cargo and rustc) and gcc", require: requireRust,
		},
		"swift": {
			title: "Swift", patterns: []string{"swiftc"}, args: []string{"--version"}, backwards: true,
			read: readVersion(`Swift version ((\d+\.\d+)[^ ]*)`), install: "Swift %s from swift.org",
		},
		"dotnet": {
			title: ".NET", patterns: []string{"dotnet"}, args: []string{"--list-runtimes"}, backwards: true,
			read: readDotnet, install: "the .NET SDK %s", require: requireDotnet,
		},
		"bash": {
			title: "Bash", patterns: []string{"bash"}, args: []string{"--version"},
			read: readVersion(`version ((\d+)\.[^ ]*)`), install: "bash %s",
		},
	}
}

// readVersion reads two groups: the whole version, and the part that is the kind's.
func readVersion(pattern string) func(file, output string) (found, error) {
	re := regexp.MustCompile(pattern)
	return func(file, output string) (found, error) {
		m := re.FindStringSubmatch(output)
		if m == nil {
			return found{}, errNoVersion
		}
		return found{path: file, full: m[1], version: m[2], prefixes: prefixesOf(file)}, nil
	}
}

// oldestPython is the first version in which the launcher runs.
const oldestPython = "3.7"

// readPython takes the interpreter that answered, which may be another file than the one called.
func readPython(file, output string) (found, error) {
	lines := strings.Split(strings.TrimSpace(output), "\n")
	if len(lines) != 4 || compareVersions(lines[1], oldestPython) < 0 {
		return found{}, errNoVersion
	}
	if real, err := filepath.EvalSymlinks(lines[2]); err == nil {
		file = real
	}
	prefixes := prefixesOf(file)
	if base := lines[3]; !slices.ContainsFunc(prefixes, func(p string) bool { return within(base, p) }) {
		prefixes = append(prefixes, base)
	}
	return found{path: file, full: lines[0], version: lines[1], prefixes: prefixes}, nil
}

var pythonName = regexp.MustCompile(`^python(3\.\d+)$`)

// namedPython knows an installation by its library, too.
func namedPython(file string) (found, bool) {
	m := pythonName.FindStringSubmatch(filepath.Base(file))
	if m == nil || compareVersions(m[1], oldestPython) < 0 || !has(filepath.Dir(filepath.Dir(file)), "lib/python"+m[1]+"/os.py") {
		return found{}, false
	}
	return found{path: file, full: m[1], version: m[1], prefixes: prefixesOf(file)}, true
}

var nodeRelease = regexp.MustCompile(`(?m)^#define NODE_(MAJOR|MINOR|PATCH)_VERSION (\d+)$`)

// writtenNode spares a start of node, where its headers were installed with it.
func writtenNode(file string) string {
	header, err := os.ReadFile(filepath.Join(filepath.Dir(filepath.Dir(file)), "include", "node", "node_version.h"))
	parts := nodeRelease.FindAllSubmatch(header, -1)
	if err != nil || len(parts) != 3 || filepath.Base(file) != "node" {
		return ""
	}
	return "v" + string(parts[0][2]) + "." + string(parts[1][2]) + "." + string(parts[2][2])
}

var javaRelease = regexp.MustCompile(`(?m)^JAVA_VERSION=("[^"]+")`)

// writtenJava spares the start of a virtual machine.
func writtenJava(file string) string {
	release, err := os.ReadFile(filepath.Join(filepath.Dir(filepath.Dir(file)), "release"))
	m := javaRelease.FindSubmatch(release)
	if err != nil || m == nil {
		return ""
	}
	return "version " + string(m[1])
}

var javaVersion = regexp.MustCompile(`version "((?:1\.)?(\d+)[^"]*)"`)

// readJava also finds where Debian keeps a JDK's configuration, which links lead to.
func readJava(file, output string) (found, error) {
	m := javaVersion.FindStringSubmatch(output)
	if m == nil {
		return found{}, errNoVersion
	}
	home := filepath.Dir(filepath.Dir(file))
	prefixes := prefixesOf(file)
	if conf, err := filepath.EvalSymlinks(filepath.Join(home, "conf", "security", "java.security")); err == nil {
		etc := filepath.Dir(filepath.Dir(conf))
		if !slices.ContainsFunc(prefixes, func(p string) bool { return within(etc, p) }) {
			prefixes = append(prefixes, etc)
		}
	}
	return found{path: file, full: m[1], version: m[2], prefixes: prefixes}, nil
}

func requireJava(h *Host) (missing, hint string) {
	if _, err := os.Stat(filepath.Join(filepath.Dir(h.Path), "javac")); err != nil {
		return "the Java launcher has to be compiled and " + h.Path + " has no javac beside it", "install a JDK"
	}
	for _, jar := range []string{"/usr/share/java/gson.jar", "/usr/share/java/google-gson/gson.jar", "/usr/local/share/java/gson.jar"} {
		real, err := filepath.EvalSymlinks(jar)
		if err != nil {
			continue
		}
		h.ClassPath = []string{real}
		if !within(real, "/usr") {
			h.Prefixes = append(h.Prefixes, filepath.Dir(real))
		}
		return "", ""
	}
	return "gson.jar is not in /usr/share/java", "install libgoogle-gson-java"
}

// prefixesOf is /usr for what the distribution installed, else also the directory above bin.
func prefixesOf(file string) []string {
	if within(file, "/usr") || within(file, "/bin") {
		return []string{"/usr"}
	}
	return []string{"/usr", filepath.Dir(filepath.Dir(file))}
}

func within(file, dir string) bool {
	return file == dir || strings.HasPrefix(file, dir+string(filepath.Separator))
}

// unreachable is why an action, which runs as a user without rights when the server is root, can
// not run the file; empty when it can.
func unreachable(f found) string {
	if os.Geteuid() != 0 {
		return ""
	}
	for _, file := range append([]string{f.path}, f.prefixes...) {
		if reason := closedTo(file); reason != "" {
			return reason
		}
	}
	return ""
}

// closedTo walks up from the file and finds what others may not read or traverse.
func closedTo(file string) string {
	info, err := os.Stat(file)
	if err != nil {
		return err.Error()
	}
	if info.Mode().Perm()&0o005 != 0o005 {
		return file + " is closed to other users"
	}
	for dir := filepath.Dir(file); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return err.Error()
		}
		if info.Mode().Perm()&0o001 == 0 {
			return dir + " is closed to other users, and actions run as such"
		}
	}
	return ""
}
