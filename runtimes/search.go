package runtimes

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Lookup returns the executables whose base name matches a pattern of path/filepath, best first.
type Lookup func(pattern string) []string

// Search looks in the directories of path (a PATH), then in the places where version managers and
// distributions put interpreters; home is the user's home directory, or empty.
func Search(path, home string) Lookup {
	dirs := filepath.SplitList(path)
	for _, pattern := range commonPlaces(home) {
		found, err := filepath.Glob(pattern)
		if err != nil {
			continue // a home directory with a pattern's characters in it
		}
		dirs = append(dirs, found...)
	}
	return func(pattern string) []string {
		var files []string
		for _, dir := range dirs {
			found, err := filepath.Glob(filepath.Join(dir, pattern))
			if err != nil {
				continue
			}
			for _, file := range found {
				if isExecutable(file) && !isShim(file) && !slices.Contains(files, file) {
					files = append(files, file)
				}
			}
		}
		return files
	}
}

func commonPlaces(home string) []string {
	places := []string{"/usr/local/bin", "/usr/bin", "/bin", "/usr/local/go/bin", "/usr/lib/go-*/bin",
		"/usr/lib/jvm/*/bin", "/opt/*/bin", "/usr/local/*/bin",
		"/usr/lib/rust-*/bin", "/usr/local/rustup/toolchains/*/bin", "/opt/*/usr/bin", "/usr/share/swift/usr/bin",
		"/usr/share/dotnet", "/usr/lib/dotnet", "/usr/local/share/dotnet", "/opt/dotnet"}
	if home == "" {
		return places
	}
	for _, p := range []string{".pyenv/versions/*/bin", ".nvm/versions/node/*/bin", ".rbenv/versions/*/bin",
		"go/bin", "sdk/go*/bin", ".rustup/toolchains/*/bin", ".dotnet", ".local/share/swiftly/toolchains/*/usr/bin", ".sdkman/candidates/java/*/bin", ".local/bin"} {
		places = append(places, filepath.Join(home, p))
	}
	return places
}

func isExecutable(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// isShim says that the file only chooses another one, depending on where it is called.
func isShim(file string) bool { return strings.Contains(file, "/shims/") }
