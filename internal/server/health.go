package server

import (
	"context"

	"github.com/gowhisk/gowhisk/internal/activation"
	"github.com/gowhisk/gowhisk/internal/store/pebble"
)

// health tells how this server is, which is its own only invoker: "down"
// once the store has failed for good, "unhealthy" while the disk has no room
// for a record. OpenWhisk 1.1.10.
type health struct {
	db       *pebble.DB
	recorder *activation.Recorder
}

// Invokers implements controller.Health.
func (h health) Invokers(context.Context) map[string]string {
	state := "up"
	if h.recorder.Ready() != nil {
		state = "unhealthy"
	}
	if h.db.Err() != nil {
		state = "down"
	}
	return map[string]string{"invoker0/0": state}
}
