package pebble

import (
	"maps"
	"slices"
)

// histogram counts bytes by the time that they belong to, in buckets that
// get wider as more time is covered, so that its own size is bounded.
type histogram struct {
	shift   uint // a bucket is 1<<shift nanoseconds wide
	buckets map[uint64]int64
	total   int64
}

func (h *histogram) add(instant uint64, size int64) {
	if h.buckets == nil {
		h.buckets = make(map[uint64]int64)
	}
	h.buckets[instant>>h.shift] += size
	h.total += size
	for len(h.buckets) > histogramCap {
		h.shift++
		wider := make(map[uint64]int64, histogramCap)
		for b, n := range h.buckets {
			wider[b>>1] += n
		}
		h.buckets = wider
	}
}

// until returns the first instant before which at least that share of the
// bytes lies, 0 if there are none.
func (h *histogram) until(share float64) uint64 {
	var sum int64
	for _, b := range slices.Sorted(maps.Keys(h.buckets)) {
		sum += h.buckets[b]
		if float64(sum) >= share*float64(h.total) {
			return (b + 1) << h.shift
		}
	}
	return 0
}
