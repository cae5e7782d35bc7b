package admin

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// minSubject is the length of the shortest subject name. OpenWhisk 6.1.1.
const minSubject = 5

// createUser adds a subject, or a namespace to an existing one.
// OpenWhisk 6.4.1 to 6.4.3.
func (c command) createUser(ctx context.Context, args arguments) int {
	subject := strings.TrimSpace(args.names[0])
	if len(subject) < minSubject {
		c.say("Subject name must be at least %d characters", minSubject)
		return exitMisused
	}
	name := strings.TrimSpace(args.value("namespace"))
	if args.has("namespace") && name == "" {
		c.say("Namespace must not be empty")
		return exitMisused
	}
	if name == "" {
		name = subject
	}
	namespace := NewNamespace(name)
	if auth := args.value("auth"); args.has("auth") {
		var refusal string
		if namespace, refusal = parseKey(name, auth); refusal != "" {
			c.say("%s", refusal)
			return exitMisused
		}
	}
	if !args.has("genonly") {
		if code := c.addNamespace(ctx, subject, namespace, args.has("revoke")); code != exitOK {
			return code
		}
	}
	if !args.has("silent") {
		c.say("%s:%s", namespace.UUID, namespace.Key)
	}
	return exitOK
}

func (c command) addNamespace(ctx context.Context, subject string, namespace entity.Namespace, revoke bool) int {
	s, err := c.subjects.Subject(ctx, subject)
	if err != nil && !errors.Is(err, entity.ErrNotFound) {
		return c.fail("create subject", err)
	}
	s.Name = subject
	if s.Blocked {
		c.say("The subject you want to edit is blocked")
		return exitFailed
	}
	at := indexOf(s.Namespaces, namespace.Name)
	switch {
	case at < 0:
		s.Namespaces = append(slices.Clone(s.Namespaces), namespace)
	case !revoke:
		c.say("Namespace already exists")
		return exitFailed
	case indexOf(s.Namespaces[at+1:], namespace.Name) >= 0:
		c.say("Namespace is not unique")
		return exitFailed
	default:
		s.Namespaces = slices.Clone(s.Namespaces)
		s.Namespaces[at] = namespace
	}
	if err := c.subjects.PutSubject(ctx, s); err != nil {
		return c.fail("create subject", err)
	}
	return exitOK
}

func indexOf(namespaces []entity.Namespace, name string) int {
	return slices.IndexFunc(namespaces, func(n entity.Namespace) bool { return n.Name == name })
}

// getUser prints the key of one namespace, or all keys. OpenWhisk 6.4.4.
func (c command) getUser(ctx context.Context, args arguments) int {
	s, err := c.subjects.Subject(ctx, args.names[0])
	if err != nil {
		return c.fail("get subject", err)
	}
	if args.has("all") {
		for _, n := range s.Namespaces {
			c.say("%s\t%s:%s", n.Name, n.UUID, n.Key)
		}
		return exitOK
	}
	name := args.value("namespace")
	if name == "" {
		name = s.Name
	}
	at := indexOf(s.Namespaces, name)
	if at < 0 {
		c.say("namespace %q not found for %q", name, s.Name)
		return exitFailed
	}
	c.say("%s:%s", s.Namespaces[at].UUID, s.Namespaces[at].Key)
	return exitOK
}

// deleteUser removes a subject or one of its namespaces. OpenWhisk 6.4.5.
func (c command) deleteUser(ctx context.Context, args arguments) int {
	s, err := c.subjects.Subject(ctx, args.names[0])
	if err != nil {
		return c.fail("delete subject", err)
	}
	if !args.has("namespace") {
		if err := c.subjects.DeleteSubject(ctx, s.Name); err != nil {
			return c.fail("delete subject", err)
		}
		c.say("Subject deleted")
		return exitOK
	}
	name := args.value("namespace")
	at := indexOf(s.Namespaces, name)
	if at < 0 {
		c.say("Namespace %q does not exist for %q", name, s.Name)
		return exitFailed
	}
	s.Namespaces = slices.Delete(slices.Clone(s.Namespaces), at, at+1)
	if err := c.subjects.PutSubject(ctx, s); err != nil {
		return c.fail("delete namespace", err)
	}
	c.say("Namespace deleted")
	return exitOK
}

// whois names the owner of a key. OpenWhisk 6.4.6.
func (c command) whois(ctx context.Context, args arguments) int {
	uuid, key, hasKey := strings.Cut(args.names[0], ":")
	s, err := c.subjects.SubjectOfKey(ctx, uuid)
	if err != nil && !errors.Is(err, entity.ErrNotFound) {
		return c.fail("get subject", err)
	}
	for _, n := range s.Namespaces {
		if n.UUID == uuid && (!hasKey || n.Key == key) {
			c.say("subject: %s", s.Name)
			c.say("namespace: %s", n.Name)
			return exitOK
		}
	}
	c.say("Subject id is not recognized")
	return exitFailed
}

// listUsers prints the identities of a namespace; blocked subjects are left
// out. OpenWhisk 6.4.8.
func (c command) listUsers(ctx context.Context, args arguments) int {
	pick := 1
	if args.has("pick") {
		n, err := strconv.Atoi(args.value("pick"))
		if err != nil || n < 1 {
			c.say("pick at least 1 identity to show")
			return exitMisused
		}
		pick = n
	}
	name := args.names[0]
	subjects, err := c.subjects.SubjectsOf(ctx, name)
	if err != nil && !errors.Is(err, entity.ErrNotFound) {
		return c.fail("list identities", err)
	}
	shown := 0
	for _, s := range subjects {
		at := indexOf(s.Namespaces, name)
		if s.Blocked || at < 0 || !args.has("all") && shown == pick {
			continue
		}
		shown++
		line := s.Namespaces[at].UUID + ":" + s.Namespaces[at].Key
		if !args.has("key") {
			line += "\t" + s.Name
		}
		c.say("%s", line)
	}
	if shown == 0 {
		c.say("no identities found for namespace %q", name)
	}
	return exitOK
}

func (c command) block(ctx context.Context, args arguments) int {
	return c.setBlocked(ctx, args.names, true)
}

func (c command) unblock(ctx context.Context, args arguments) int {
	return c.setBlocked(ctx, args.names, false)
}

// setBlocked goes on after a name that fails; blank names are passed over.
// OpenWhisk 6.4.7, 6.4.15.
func (c command) setBlocked(ctx context.Context, names []string, blocked bool) int {
	verb, code := "unblock", exitOK
	if blocked {
		verb = "block"
	}
	for _, name := range names {
		name = strings.TrimSpace(name)
		if name == "" {
			continue
		}
		s, err := c.subjects.Subject(ctx, name)
		if err == nil {
			s.Blocked = blocked
			err = c.subjects.PutSubject(ctx, s)
		}
		if err != nil {
			code = c.fail(verb+" "+strconv.Quote(name), err)
			continue
		}
		c.say("%q %sed successfully", name, verb)
	}
	return code
}
