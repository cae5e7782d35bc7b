package containerpool_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/protocol"
)

// still is a container that answers at once.
type still struct{}

func (still) Create(context.Context, containerpool.Spec) (containerpool.Container, error) {
	return still{}, nil
}
func (still) ID() string { return "still" }
func (still) Init(context.Context, containerpool.Assignment) (containerpool.Answer, error) {
	return ok()
}

func (still) Run(context.Context, *protocol.RunRequest) (containerpool.Answer, error) {
	return containerpool.Answer{Status: 200, Body: empty, Length: 2}, nil
}

func (still) Logs(context.Context, entity.ActivationID) containerpool.Logs {
	return containerpool.Logs{}
}
func (still) Concurrency() int                      { return 1 }
func (still) Destroy(context.Context, string) error { return nil }

var empty = []byte(`{}`)

// BenchmarkWarmInvoke is what the pool adds to one warm activation.
func BenchmarkWarmInvoke(b *testing.B) {
	for _, callers := range []int{1, 16} {
		b.Run(fmt.Sprint(callers, " callers"), func(b *testing.B) {
			p := containerpool.New(still{}, containerpool.Options{Memory: 64 << 30})
			defer func() {
				if err := p.Close(context.Background()); err != nil {
					b.Error(err)
				}
			}()
			b.ReportAllocs()
			var all sync.WaitGroup
			for range callers {
				all.Go(func() {
					msg := call{}.message()
					for range b.N / callers {
						if _, err := p.Invoke(context.Background(), msg); err != nil {
							b.Error(err)
						}
					}
				})
			}
			all.Wait()
		})
	}
}
