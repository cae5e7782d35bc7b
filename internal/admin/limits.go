package admin

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// limit is one override: how it is read and shown. get returns "" if it is
// not set.
type limit struct {
	name string
	set  func(l *entity.NamespaceLimits, values []string) error
	get  func(l entity.NamespaceLimits) string
}

// limitTable lists the limits in the order of OpenWhisk 6.4.15.
func limitTable() []limit {
	type l = entity.NamespaceLimits
	return []limit{
		number("invocationsPerMinute", func(l *l) **int { return &l.InvocationsPerMinute }),
		number("firesPerMinute", func(l *l) **int { return &l.FiresPerMinute }),
		number("concurrentInvocations", func(l *l) **int { return &l.ConcurrentInvocations }),
		kinds(),
		storeActivations(),
		number("minActionMemory", func(l *l) **int64 { return &l.MinActionMemory }),
		number("maxActionMemory", func(l *l) **int64 { return &l.MaxActionMemory }),
		number("minActionLogs", func(l *l) **int64 { return &l.MinActionLogs }),
		number("maxActionLogs", func(l *l) **int64 { return &l.MaxActionLogs }),
		number("minActionTimeout", func(l *l) **int64 { return &l.MinActionTimeout }),
		number("maxActionTimeout", func(l *l) **int64 { return &l.MaxActionTimeout }),
		number("minActionConcurrency", func(l *l) **int { return &l.MinActionConcurrency }),
		number("maxActionConcurrency", func(l *l) **int { return &l.MaxActionConcurrency }),
		number("maxParameterSize", func(l *l) **int64 { return &l.MaxParameterSize }),
		number("maxPayloadSize", func(l *l) **int64 { return &l.MaxPayloadSize }),
		number("truncationSize", func(l *l) **int64 { return &l.TruncationSize }),
	}
}

// number is a limit that is a whole number from 0.
func number[T int | int64](name string, field func(*entity.NamespaceLimits) **T) limit {
	return limit{
		name: name,
		set: func(l *entity.NamespaceLimits, values []string) error {
			n, err := strconv.ParseInt(values[len(values)-1], 10, 64)
			if err != nil || n < 0 || int64(T(n)) != n {
				return fmt.Errorf("--%s: %q is not a whole number from 0", name, values[len(values)-1])
			}
			v := T(n)
			*field(l) = &v
			return nil
		},
		get: func(l entity.NamespaceLimits) string {
			if p := *field(&l); p != nil {
				return strconv.FormatInt(int64(*p), 10)
			}
			return ""
		},
	}
}

func kinds() limit {
	return limit{
		name: "allowedKinds",
		set: func(l *entity.NamespaceLimits, values []string) error {
			l.AllowedKinds = values
			return nil
		},
		get: func(l entity.NamespaceLimits) string {
			if l.AllowedKinds == nil {
				return ""
			}
			return "['" + strings.Join(l.AllowedKinds, "', '") + "']"
		},
	}
}

func storeActivations() limit {
	return limit{
		name: "storeActivations",
		set: func(l *entity.NamespaceLimits, values []string) error {
			v, err := strconv.ParseBool(strings.ToLower(values[len(values)-1]))
			if err != nil {
				return fmt.Errorf("--storeActivations: %q is neither true nor false", values[len(values)-1])
			}
			l.StoreActivations = &v
			return nil
		},
		get: func(l entity.NamespaceLimits) string {
			switch {
			case l.StoreActivations == nil:
				return ""
			case *l.StoreActivations:
				return "True"
			}
			return "False"
		},
	}
}

// setLimits changes the given limits and keeps the others. OpenWhisk 6.4.9.
func (c command) setLimits(ctx context.Context, args arguments) int {
	namespace := args.names[0]
	limits, err := c.subjects.Limits(ctx, namespace)
	if err != nil && !errors.Is(err, entity.ErrNotFound) {
		return c.fail("set limits", err)
	}
	for _, l := range limitTable() {
		if !args.has(l.name) {
			continue
		}
		if err := l.set(&limits, args.flags[l.name]); err != nil {
			c.say("%v", err)
			return exitMisused
		}
	}
	if err := c.subjects.PutLimits(ctx, namespace, limits); err != nil {
		return c.fail("set limits", err)
	}
	c.say("Limits successfully set for %q", namespace)
	return exitOK
}

// getLimits prints the limits that are set. OpenWhisk 6.4.10.
func (c command) getLimits(ctx context.Context, args arguments) int {
	limits, err := c.subjects.Limits(ctx, args.names[0])
	if errors.Is(err, entity.ErrNotFound) {
		c.say("No limits found, default system limits apply")
		return exitOK
	}
	if err != nil {
		return c.fail("get limits", err)
	}
	for _, l := range limitTable() {
		if v := l.get(limits); v != "" {
			c.say("%s = %s", l.name, v)
		}
	}
	return exitOK
}

// deleteLimits gives a namespace the defaults again. OpenWhisk 6.4.11.
func (c command) deleteLimits(ctx context.Context, args arguments) int {
	if err := c.subjects.DeleteLimits(ctx, args.names[0]); err != nil {
		return c.fail("delete limits", err)
	}
	c.say("Limits deleted")
	return exitOK
}
