package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// activationRecord is the i-th of many records: about 1.5 KB as JSON, of one
// of a hundred actions, with a result that compresses badly.
func activationRecord(id entity.ActivationID, i int, start time.Time) *entity.Activation {
	name := fmt.Sprintf("action-%d", i%100)
	var noise [400]byte
	for k := range noise {
		noise[k] = byte(rand.Uint32())
	}
	return &entity.Activation{
		Namespace: namespace, Name: name, Local: name, Version: entity.Version{Patch: 1},
		Subject: namespace, ID: id, Start: start, End: start.Add(time.Millisecond), Duration: time.Millisecond,
		Response: entity.Response{
			Result: json.RawMessage(`{"body":"` + hex.EncodeToString(noise[:]) + `"}`), Size: 2*len(noise) + 11,
		},
		Logs: []string{"2026-01-01T00:00:00.000000000Z stdout: a line of text that the action wrote"},
		Annotations: entity.Parameters{
			{Key: "path", Value: json.RawMessage(`"guest/` + name + `"`)},
			{Key: "waitTime", Value: json.RawMessage(`1`)},
			{Key: "kind", Value: json.RawMessage(`"nodejs:20"`)},
			{Key: "timeout", Value: json.RawMessage(`false`)},
			{Key: "limits", Value: json.RawMessage(`{"concurrency":1,"logs":10,"memory":256,"timeout":60000}`)},
		},
	}
}
