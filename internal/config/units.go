package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Duration is a time.Duration written with its unit, such as 10s or 168h.
type Duration time.Duration

// UnmarshalText reads "10s"; a number without a unit is refused except 0. A
// zero may be left as it is: that is what settings that nobody has set come as.
func (d *Duration) UnmarshalText(text []byte) error {
	if len(text) == 0 && *d == 0 {
		return nil
	}
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a duration such as 10s, 5m or 168h", text)
	}
	*d = Duration(v)
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

func (d Duration) String() string { return time.Duration(d).String() }

// Size is a number of bytes, written with its unit, such as 512MB.
type Size int64

// Units of sizes: powers of 1024, as in OpenWhisk's limits.
const (
	KB Size = 1 << 10
	MB Size = 1 << 20
	GB Size = 1 << 30
)

// UnmarshalText reads "512MB"; a number without a unit is refused except 0. A
// zero may be left as it is, as with Duration.
func (s *Size) UnmarshalText(text []byte) error {
	if len(text) == 0 && *s == 0 {
		return nil
	}
	for _, unit := range units() {
		number, ok := strings.CutSuffix(string(text), unit.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
		if err == nil && n >= 0 && n <= int64(1<<62/unit.size) {
			*s = Size(n) * unit.size
			return nil
		}
	}
	if string(text) == "0" {
		*s = 0
		return nil
	}
	return fmt.Errorf("%q is not a size such as 512MB or 16GB", text)
}

// MarshalText writes what UnmarshalText reads.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

func (s Size) String() string {
	for _, unit := range units() {
		if s != 0 && s%unit.size == 0 {
			return strconv.FormatInt(int64(s/unit.size), 10) + unit.name
		}
	}
	return "0"
}

type unit struct {
	name string
	size Size
}

// units lists the larger first; B comes last, because every unit ends in B.
func units() []unit { return []unit{{"GB", GB}, {"MB", MB}, {"KB", KB}, {"B", 1}} }
