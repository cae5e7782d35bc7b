// Package admin is the operator's side of users and limits: the commands of
// OpenWhisk's wskadmin with their flags, output and exit codes (OpenWhisk
// 6.4), the users of a fresh data directory, and the socket by which a
// command reaches the server that owns the store. Like wskadmin it talks on
// standard output, refusals included.
package admin

import (
	"context"
	"fmt"
	"io"

	"github.com/gowhisk/gowhisk/internal/store"
)

// Exit codes. OpenWhisk 6.4.2.
const (
	exitOK      = 0
	exitFailed  = 1 // the store or the state of things refused
	exitMisused = 2 // the arguments are wrong
)

// hint follows what is wrong with a command line.
const hint = "gowhisk admin --help lists the commands and their flags.\n"

// Usage describes the commands.
const Usage = `Usage:
  gowhisk admin user create SUBJECT [-u UUID:KEY] [-ns NAMESPACE] [-r] [-g] [-s]
  gowhisk admin user get SUBJECT [-ns NAMESPACE | -a]
  gowhisk admin user delete SUBJECT [-ns NAMESPACE]
  gowhisk admin user whois UUID[:KEY]
  gowhisk admin user list NAMESPACE [-p N | -a] [-k]
  gowhisk admin user block SUBJECT…
  gowhisk admin user unblock SUBJECT…
  gowhisk admin limits set NAMESPACE [--invocationsPerMinute N] [--firesPerMinute N]
      [--concurrentInvocations N] [--allowedKinds KIND…] [--storeActivations true|false]
      [--minActionMemory MB] [--maxActionMemory MB] [--minActionLogs MB] [--maxActionLogs MB]
      [--minActionTimeout MS] [--maxActionTimeout MS]
      [--minActionConcurrency N] [--maxActionConcurrency N]
      [--maxParameterSize BYTES] [--maxPayloadSize BYTES] [--truncationSize BYTES]
  gowhisk admin limits get NAMESPACE
  gowhisk admin limits delete NAMESPACE
`

// command is one verb at work: out is what it prints.
type command struct {
	subjects store.Subjects
	out      io.Writer
}

func (c command) say(format string, args ...any) {
	fmt.Fprintf(c.out, format+"\n", args...)
}

// fail says why the store refused and returns the exit code for it.
func (c command) fail(what string, err error) int {
	c.say("Failed to %s (%v)", what, err)
	return exitFailed
}

type verb func(c command, ctx context.Context, args arguments) int

func verbs() map[string]map[string]verb {
	return map[string]map[string]verb{
		"user": {
			"create": command.createUser, "get": command.getUser, "delete": command.deleteUser,
			"whois": command.whois, "list": command.listUsers,
			"block": command.block, "unblock": command.unblock,
		},
		"limits": {"set": command.setLimits, "get": command.getLimits, "delete": command.deleteLimits},
	}
}

// Run executes one command, such as [user create alice-01], and returns its
// exit code. Misuse is explained on stderr.
func Run(ctx context.Context, subjects store.Subjects, args []string, stdout, stderr io.Writer) int {
	if len(args) < 2 {
		fmt.Fprint(stderr, Usage)
		return exitMisused
	}
	do := verbs()[args[0]][args[1]]
	if do == nil {
		fmt.Fprintf(stderr, "no such command: %s %s\n%s", args[0], args[1], hint)
		return exitMisused
	}
	parsed, err := parse(args[2:])
	if err == nil {
		err = parsed.check(args[0] + " " + args[1])
	}
	if err != nil {
		fmt.Fprintf(stderr, "%v\n%s", err, hint)
		return exitMisused
	}
	return do(command{subjects, stdout}, ctx, parsed)
}
