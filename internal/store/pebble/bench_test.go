package pebble_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
	"github.com/gowhisk/gowhisk/internal/store/pebble"
)

// record is a typical record: about 1.5 KB as JSON, a quarter of it logs.
func record(id entity.ActivationID, start time.Time) *entity.Activation {
	return &entity.Activation{
		Namespace: "guest", Name: "hello", Local: "pkg/hello", Subject: "guest@example.com",
		Version: entity.Version{Patch: 3}, ID: id, Start: start, End: start.Add(7 * time.Millisecond),
		Duration: 7 * time.Millisecond,
		Response: entity.Response{Size: 720, Result: json.RawMessage(`{"result":"` + strings.Repeat("some text ", 70) + `"}`)},
		Logs:     []string{strings.Repeat("2026-11-20 stdout: a line ", 4), strings.Repeat("2026-11-20 stdout: a line ", 8)},
		Annotations: entity.Parameters{
			{Key: "path", Value: json.RawMessage(`"guest/pkg/hello"`)},
			{Key: "waitTime", Value: json.RawMessage(`12`)},
			{Key: "kind", Value: json.RawMessage(`"nodejs:20"`)},
			{Key: "limits", Value: json.RawMessage(`{"concurrency":1,"logs":10,"memory":256,"timeout":60000}`)},
		},
	}
}

// by runs do b.N times, spread over that many callers.
func by(b *testing.B, callers int, do func(i int) error) {
	b.Helper()
	b.ReportAllocs()
	var next atomic.Int64
	var wg sync.WaitGroup
	before := cpuTime(b)
	b.ResetTimer()
	for range callers {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				if err := do(int(i)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
	b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/float64(b.N)/1000, "cpu-µs/op")
}

// cpuTime is what the whole process used so far, also in the background.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func openBench(b *testing.B) *pebble.DB {
	db := open(b, b.TempDir(), pebble.Options{})
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	return db
}

func BenchmarkPutSoft(b *testing.B) {
	for _, callers := range []int{1, 16, 128} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			db, mint := openBench(b), new(entity.Mint)
			by(b, callers, func(int) error {
				now := time.Now()
				return db.Activations().Put(b.Context(), record(mint.New(now), now))
			})
		})
	}
}

func BenchmarkEnqueueStartPut(b *testing.B) {
	body := []byte(strings.Repeat("x", 600))
	for _, callers := range []int{16, 128} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			db, mint := openBench(b), new(entity.Mint)
			by(b, callers, func(int) error {
				now := time.Now()
				id := mint.New(now)
				if err := db.Queue().Enqueue(b.Context(), id, body); err != nil {
					return err
				}
				if err := db.Queue().Start(b.Context(), id); err != nil {
					return err
				}
				return db.Activations().Put(b.Context(), record(id, now))
			})
		})
	}
}

// BenchmarkList30 lists the newest 30 of many records, and reports the 99th
// percentile. A million takes most of a minute to make: set
// GOWHISK_BENCH_MILLION for it.
func BenchmarkList30(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprintf("of=%d", n), func(b *testing.B) {
			if n > 100_000 && os.Getenv("GOWHISK_BENCH_MILLION") == "" {
				b.Skip("GOWHISK_BENCH_MILLION is not set")
			}
			db := openBench(b)
			fill(b, db, n)
			for _, q := range []store.ActivationQuery{
				{Namespace: "guest", Limit: 30},
				{Namespace: "guest", Local: "pkg/hello", Limit: 30},
				{Namespace: "guest", Limit: 30, Docs: true},
			} {
				b.Run(fmt.Sprintf("local=%t/docs=%t", q.Local != "", q.Docs), func(b *testing.B) { list30(b, db, q) })
			}
			b.Run("count", func(b *testing.B) {
				for b.Loop() {
					got, err := db.Activations().Count(b.Context(), store.ActivationQuery{Namespace: "guest"})
					if err != nil || got != n {
						b.Fatal(got, err)
					}
				}
			})
		})
	}
}

func list30(b *testing.B, db *pebble.DB, q store.ActivationQuery) {
	b.ReportAllocs()
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		list, err := db.Activations().List(b.Context(), q)
		if err != nil || len(list) != 30 {
			b.Fatal(len(list), err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

func fill(b testing.TB, db *pebble.DB, n int) {
	b.Helper()
	mint, began := new(entity.Mint), time.Now().Add(-time.Duration(n)*time.Millisecond)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				start := began.Add(time.Duration(i) * time.Millisecond)
				if err := db.Activations().Put(b.Context(), record(mint.New(start), start)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkEntities(b *testing.B) {
	doc := func(i int) store.Document {
		return store.Document{
			Name: entity.Name{Namespace: "guest", Name: fmt.Sprint("action", i)}, Collection: entity.Actions,
			Updated: time.UnixMilli(int64(i)), Body: []byte(`{"exec":{"kind":"nodejs:20"},"x":"` + strings.Repeat("y", 400) + `"}`),
		}
	}
	for _, callers := range []int{1, 16} {
		b.Run(fmt.Sprintf("put/callers=%d", callers), func(b *testing.B) {
			db := openBench(b)
			by(b, callers, func(i int) error {
				_, err := db.Entities().Put(b.Context(), doc(i), nil)
				return err
			})
		})
	}
	b.Run("get", func(b *testing.B) {
		db := openBench(b)
		if _, err := db.Entities().Put(b.Context(), doc(1), nil); err != nil {
			b.Fatal(err)
		}
		by(b, 1, func(int) error {
			_, err := db.Entities().Get(b.Context(), doc(1).Name)
			return err
		})
	})
}

// BenchmarkOpen opens an empty directory.
func BenchmarkOpen(b *testing.B) {
	for b.Loop() {
		db := open(b, b.TempDir(), pebble.Options{})
		b.StopTimer()
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
