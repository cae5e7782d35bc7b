package main

import (
	"cmp"
	"slices"
	"time"
)

// sample is what one stretch of load, or one set of single measurements,
// came to.
type sample struct {
	requests int
	rate     float64 // per second
	p50, p99 time.Duration
	cpu      time.Duration // of the server side, per request
	own      time.Duration // part of cpu: without the processes below the server
}

// quantile returns the value below which the share q of sorted lies.
func quantile[T any](sorted []T, q float64) T {
	var zero T
	if len(sorted) == 0 {
		return zero
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// median returns the middle of values, which it leaves as they are.
func median[T cmp.Ordered](values []T) T {
	return quantile(slices.Sorted(slices.Values(values)), 0.5)
}

// sampleOf sums up single measurements that took elapsed together. It sorts
// took.
func sampleOf(took []time.Duration, elapsed time.Duration) sample {
	slices.Sort(took)
	return sample{
		requests: len(took), rate: float64(len(took)) / elapsed.Seconds(),
		p50: quantile(took, 0.5), p99: quantile(took, 0.99),
	}
}

// total is the sum of durations.
func total(took []time.Duration) time.Duration {
	var sum time.Duration
	for _, d := range took {
		sum += d
	}
	return sum
}

// series is the samples of one contender, one for each round.
type series []sample

// row sums up a series by the median of each figure.
func (s series) row(name string) row {
	return row{
		Name: name,
		Rate: median(pick(s, func(x sample) float64 { return x.rate })),
		P50:  median(pick(s, func(x sample) time.Duration { return x.p50 })),
		P99:  median(pick(s, func(x sample) time.Duration { return x.p99 })),
		CPU:  median(pick(s, func(x sample) time.Duration { return x.cpu })),
		Own:  median(pick(s, func(x sample) time.Duration { return x.own })),
	}
}

func pick[T any](s series, figure func(sample) T) []T {
	var values []T
	for _, x := range s {
		values = append(values, figure(x))
	}
	return values
}

// rateRatio is the median over the rounds of the rate of s by that of
// floor: what disturbs the machine disturbs both in the same round.
func (s series) rateRatio(floor series) float64 {
	var ratios []float64
	for i := range min(len(s), len(floor)) {
		ratios = append(ratios, s[i].rate/floor[i].rate)
	}
	return median(ratios)
}

// cpuRatio is the median over the rounds of the CPU time of s by that of
// floor, which neighbours on the machine disturb least.
func (s series) cpuRatio(floor series) float64 {
	var ratios []float64
	for i := range min(len(s), len(floor)) {
		ratios = append(ratios, float64(s[i].cpu)/float64(max(1, floor[i].cpu)))
	}
	return median(ratios)
}

// added is the median over the rounds of how much longer s takes than floor,
// by the median request.
func (s series) added(floor series) time.Duration {
	var differences []time.Duration
	for i := range min(len(s), len(floor)) {
		differences = append(differences, s[i].p50-floor[i].p50)
	}
	return median(differences)
}
