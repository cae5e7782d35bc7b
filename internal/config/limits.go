package config

import (
	"errors"
	"fmt"
	"time"
)

// ActionLimits are what actions may ask for, and what those get that ask for
// nothing. OpenWhisk C.1, C.2.
type ActionLimits struct {
	Time        TimeRange  `json:"time" env:", prefix=TIME_"`
	Memory      SizeRange  `json:"memory" env:", prefix=MEMORY_"`
	Logs        SizeRange  `json:"logs" env:", prefix=LOGS_"`
	Concurrency CountRange `json:"concurrency" env:", prefix=CONCURRENCY_"`
}

// TimeRange is in whole milliseconds.
type TimeRange struct {
	Min     Duration `json:"min" env:"MIN" usage:"shortest time limit of an action"`
	Max     Duration `json:"max" env:"MAX" usage:"longest time limit of an action"`
	Default Duration `json:"default" env:"DEFAULT" usage:"time limit of an action that names none"`
}

// SizeRange is in whole megabytes.
type SizeRange struct {
	Min     Size `json:"min" env:"MIN" usage:"least that an action may ask for"`
	Max     Size `json:"max" env:"MAX" usage:"most that an action may ask for"`
	Default Size `json:"default" env:"DEFAULT" usage:"what an action gets that asks for none"`
}

// CountRange is of activations in flight in one container.
type CountRange struct {
	Min     int `json:"min" env:"MIN" usage:"least that an action may ask for"`
	Max     int `json:"max" env:"MAX" usage:"most that an action may ask for"`
	Default int `json:"default" env:"DEFAULT" usage:"what an action gets that asks for none"`
}

// longestAction is what the rest of the platform can wait for.
const longestAction = 9 * time.Minute

func defaultLimits() Limits {
	return Limits{
		InvocationsPerMinute: 60, ConcurrentInvocations: 30, FiresPerMinute: 60, SequenceLength: 50, Payload: MB,
		Actions: ActionLimits{
			Time:        TimeRange{Min: Duration(100 * time.Millisecond), Max: Duration(5 * time.Minute), Default: Duration(time.Minute)},
			Memory:      SizeRange{Min: 128 * MB, Max: 512 * MB, Default: 256 * MB},
			Logs:        SizeRange{Max: 10 * MB, Default: 10 * MB},
			Concurrency: CountRange{Min: 1, Max: 500, Default: 1},
		},
	}
}

func (l Limits) validate() error {
	a := l.Actions
	return errors.Join(
		atLeast("limits.invocationsPerMinute", l.InvocationsPerMinute, 0),
		atLeast("limits.concurrentInvocations", l.ConcurrentInvocations, 0),
		atLeast("limits.firesPerMinute", l.FiresPerMinute, 0),
		atLeast("limits.sequenceLength", l.SequenceLength, 0),
		within("limits.payload", l.Payload, 0, MB),
		ordered("limits.actions.time", a.Time.Min, a.Time.Default, a.Time.Max, Duration(time.Millisecond)),
		within("limits.actions.time.min", a.Time.Min, Duration(time.Millisecond), Duration(longestAction)),
		within("limits.actions.time.max", a.Time.Max, 0, Duration(longestAction)),
		ordered("limits.actions.memory", a.Memory.Min, a.Memory.Default, a.Memory.Max, MB),
		atLeast("limits.actions.memory.min", a.Memory.Min, MB),
		ordered("limits.actions.logs", a.Logs.Min, a.Logs.Default, a.Logs.Max, MB),
		ordered("limits.actions.concurrency", a.Concurrency.Min, a.Concurrency.Default, a.Concurrency.Max, 1),
		atLeast("limits.actions.concurrency.min", a.Concurrency.Min, 1),
	)
}

// ordered wants least <= standard <= most, all in whole units.
func ordered[T ~int | ~int64](path string, least, standard, most, unit T) error {
	var errs []error
	for _, v := range []struct {
		name  string
		value T
	}{{".min", least}, {".max", most}, {".default", standard}} {
		if v.value%unit != 0 {
			errs = append(errs, fmt.Errorf("%s%s: %v is not in whole units of %v", path, v.name, v.value, unit))
		}
	}
	if standard < least || standard > most {
		errs = append(errs, fmt.Errorf("%s.default: %v is not between %v and %v", path, standard, least, most))
	}
	return errors.Join(errs...)
}

func within[T ~int | ~int64](path string, value, least, most T) error {
	if value > most {
		return fmt.Errorf("%s: %v is more than %v", path, value, most)
	}
	return atLeast(path, value, least)
}
