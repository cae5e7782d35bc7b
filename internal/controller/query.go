package controller

import (
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoke"
)

const (
	defaultListLimit = 30 // OpenWhisk C.4
	maxListLimit     = 200
)

// query is the raw query of a URL; it is read a few times and never decoded
// as a whole.
type query string

func (x *exchange) query() query { return query(x.r.URL.RawQuery) }

// get returns the first value of key, "" if there is none.
func (q query) get(key string) string {
	for pair := range strings.SplitSeq(string(q), "&") {
		k, v, _ := strings.Cut(pair, "=")
		if unescape(k) == key {
			return unescape(v)
		}
	}
	return ""
}

// unescape leaves what is no valid escape as it is.
func unescape(s string) string {
	if out, err := url.QueryUnescape(s); err == nil {
		return out
	}
	return s
}

// bool reads a boolean; nothing means fallback. OpenWhisk 1.7.13.
func (q query) bool(key string, fallback bool) (bool, error) {
	v := strings.ToLower(q.get(key))
	switch v {
	case "":
		return fallback, nil
	case "true", "yes", "on", "1":
		return true, nil
	case "false", "no", "off", "0":
		return false, nil
	}
	return false, entity.MalformedQuery(key, "'%s' is not a valid Boolean value", v)
}

// number reads an integer; nothing means fallback. OpenWhisk 1.7.4.
func (q query) number(key string, of entity.Collection, fallback int) (int, error) {
	v := q.get(key)
	if v == "" {
		return fallback, nil
	}
	n, err := strconv.ParseInt(v, 10, 32)
	if err != nil {
		return 0, entity.MalformedQuery(key, "The value '%s' is not an integer for %s.", v, of)
	}
	return int(n), nil
}

// page is what a list request asks for.
type page struct {
	skip, limit int // limit is 1 to 200
	count       bool
}

// page reads the parameters of lists. OpenWhisk 1.7.1–1.7.5.
func (q query) page(of entity.Collection) (p page, err error) {
	if p.skip, err = q.number("skip", of, 0); err != nil {
		return p, err
	}
	if p.skip < 0 {
		return p, entity.MalformedQuery("skip", "The value '%d' is not greater than or equal to 0 for %s.", p.skip, of)
	}
	if p.limit, err = q.number("limit", of, defaultListLimit); err != nil {
		return p, err
	}
	if p.limit < 0 || p.limit > maxListLimit {
		return p, entity.MalformedQuery("limit", "The value '%d' is not in the range of 0 to %d for %s.", p.limit, maxListLimit, of)
	}
	if p.limit == 0 {
		p.limit = maxListLimit
	}
	p.count, err = q.bool("count", false)
	return p, err
}

// counted is the answer to count=true: what a list with that skip would hold
// if it had no limit.
func (p page) counted(of entity.Collection, n int) map[entity.Collection]int {
	return map[entity.Collection]int{of: max(0, n-p.skip)}
}

// time reads epoch milliseconds, whatever the text says. OpenWhisk 1.10.5.
func (q query) time(key string) (time.Time, error) {
	v := q.get(key)
	if v == "" {
		return time.Time{}, nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/int64(time.Millisecond) {
		return time.Time{}, entity.MalformedQuery(key, "Parameter is not a valid value for epoch seconds: %s", v)
	}
	return time.UnixMilli(n), nil
}

// wait reads how long a blocking call waits. OpenWhisk 1.7.8, 2.6.6.
func (q query) wait() (time.Duration, error) {
	v := q.get("timeout")
	if v == "" {
		return invoke.MaxWait, nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n <= 0 || n > invoke.MaxWait.Milliseconds() {
		return 0, entity.MalformedQuery("timeout", "Timeout must be number of milliseconds up to %d.", invoke.MaxWait.Milliseconds())
	}
	return time.Duration(n) * time.Millisecond, nil
}

// mode is how a caller wants to be answered. OpenWhisk 1.7.8.
type mode struct {
	blocking, result bool
	wait             time.Duration // only if blocking
}

func (q query) mode() (m mode, err error) {
	if q == "" {
		return m, nil
	}
	if m.blocking, err = q.bool("blocking", false); err != nil {
		return m, err
	}
	if m.result, err = q.bool("result", false); err != nil {
		return m, err
	}
	wait, err := q.wait() // checked in any case
	if err == nil && m.blocking {
		m.wait = wait
	}
	return m, err
}
