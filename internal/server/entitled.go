package server

import (
	"time"

	"github.com/gowhisk/gowhisk/internal/config"
	"github.com/gowhisk/gowhisk/internal/entitlement"
	"github.com/gowhisk/gowhisk/internal/entity"
)

// entitled are the settings of what namespaces may do.
func entitled(c config.Config) entitlement.Settings {
	s, l, a := entitlement.DefaultSettings(), c.Limits, c.Limits.Actions
	s.InvocationsPerMinute, s.ConcurrentInvocations, s.FiresPerMinute = l.InvocationsPerMinute, l.ConcurrentInvocations, l.FiresPerMinute
	s.SequenceLength, s.MaxPayloadSize, s.SharedPackagesExecuteOnly = l.SequenceLength, int64(l.Payload), c.ExecuteOnly
	s.Limits = entity.LimitRange{
		MinTimeout: time.Duration(a.Time.Min), MaxTimeout: time.Duration(a.Time.Max),
		MinMemory: int64(a.Memory.Min / config.MB), MaxMemory: int64(a.Memory.Max / config.MB),
		MinLogs: int64(a.Logs.Min / config.MB), MaxLogs: int64(a.Logs.Max / config.MB),
		MinConcurrency: a.Concurrency.Min, MaxConcurrency: a.Concurrency.Max,
	}
	s.Defaults = entity.Limits{
		Timeout: time.Duration(a.Time.Default), Memory: int64(a.Memory.Default / config.MB),
		Logs: int64(a.Logs.Default / config.MB), Concurrency: a.Concurrency.Default,
	}
	return s
}
