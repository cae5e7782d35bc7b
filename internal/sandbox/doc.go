// Package sandbox starts one untrusted process in isolation on Linux: own
// user, mount, pid, ipc, uts, net and cgroup namespaces, a root file system
// built for it alone, resource limits, no capabilities, a seccomp filter and
// mediated outbound connections. It re-executes the running binary as the
// launcher, so main and TestMain must call Init first.
//
// It knows nothing of actions: what runs inside, and when, is its caller's.
package sandbox
