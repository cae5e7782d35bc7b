package server

import "runtime/debug"

// buildDate is the time of the commit that this program was built from, ""
// if that is not known.
func buildDate() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.time" {
			return s.Value
		}
	}
	return ""
}
