package manifest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// StemCell asks for containers of a kind that are booted and wait for code.
// OpenWhisk 2.1.6.
type StemCell struct {
	Count    int       // containers at start
	Memory   int64     // MB of each
	Reactive *Reactive // nil: Count is kept
}

// Reactive lets the number of stem cells follow the cold starts seen.
type Reactive struct {
	Min, Max  int
	TTL       time.Duration // after which an unused one goes
	Threshold int           // cold starts in the interval that call for more
	Increment int           // more per Threshold
}

// UnmarshalJSON accepts `initialCount` and its older name `count`.
func (s *StemCell) UnmarshalJSON(data []byte) error {
	var in struct {
		InitialCount *int   `json:"initialCount"`
		Count        int    `json:"count"`
		Memory       string `json:"memory"`
		Reactive     *struct {
			MinCount  int    `json:"minCount"`
			MaxCount  int    `json:"maxCount"`
			TTL       string `json:"ttl"`
			Threshold int    `json:"threshold"`
			Increment int    `json:"increment"`
		} `json:"reactive"`
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	if in.InitialCount != nil {
		in.Count = *in.InitialCount
	}
	memory, err := parseMemory(in.Memory)
	if err != nil {
		return err
	}
	if in.Count < 0 {
		return fmt.Errorf("stem cell count %d is negative", in.Count)
	}
	*s = StemCell{Count: in.Count, Memory: memory}
	if r := in.Reactive; r != nil {
		ttl, err := parseDuration(r.TTL)
		if err != nil {
			return err
		}
		if r.MinCount < 0 || r.MaxCount < r.MinCount || r.Threshold <= 0 || r.Increment <= 0 {
			return fmt.Errorf("reactive stem cells need 0 ≤ minCount ≤ maxCount and a positive threshold and increment")
		}
		s.Reactive = &Reactive{r.MinCount, r.MaxCount, ttl, r.Threshold, r.Increment}
	}
	return nil
}

// parseMemory reads "256 MB", "256m" or "1 GB" as MB.
func parseMemory(s string) (int64, error) {
	number, unit := splitUnit(s)
	scale := map[string]int64{"m": 1, "mb": 1, "g": 1024, "gb": 1024}[unit]
	n, err := strconv.ParseInt(number, 10, 32)
	if err != nil || n <= 0 || scale == 0 {
		return 0, fmt.Errorf("memory %q is not of the form \"256 MB\"", s)
	}
	return n * scale, nil
}

// parseDuration reads "2 minutes", "30 s" and the like.
func parseDuration(s string) (time.Duration, error) {
	number, unit := splitUnit(s)
	units := []struct {
		names string
		is    time.Duration
	}{
		{" ms milli millis millisecond milliseconds ", time.Millisecond},
		{" s sec secs second seconds ", time.Second},
		{" m min mins minute minutes ", time.Minute},
		{" h hour hours ", time.Hour},
		{" d day days ", 24 * time.Hour},
	}
	n, err := strconv.ParseInt(number, 10, 32)
	for _, u := range units {
		if err == nil && n > 0 && unit != "" && strings.Contains(u.names, " "+unit+" ") {
			return time.Duration(n) * u.is, nil
		}
	}
	return 0, fmt.Errorf("duration %q is not of the form \"2 minutes\"", s)
}

func splitUnit(s string) (number, unit string) {
	s = strings.TrimSpace(s)
	end := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		return s, ""
	}
	return s[:end], strings.ToLower(strings.TrimSpace(s[end:]))
}
