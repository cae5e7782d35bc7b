package pebble_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store/pebble"
)

func TestLargeOutcomesComeBackWhateverTheirLengths(t *testing.T) {
	db := open(t, t.TempDir(), pebble.Options{})
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	records := db.Activations()
	for i, tc := range []struct {
		result json.RawMessage
		lines  []int
	}{
		{nil, []int{20_000}},
		{json.RawMessage(`{}`), []int{0, 1, 126, 127, 128, 129, 16_382, 16_383, 16_384, 16_385}},
		{json.RawMessage(`"` + strings.Repeat("r", 16_384) + `"`), nil},
		{json.RawMessage(`"` + strings.Repeat("r", 2_097_150) + `"`), make([]int, 127)},
		{json.RawMessage(`{}`), append(make([]int, 16_383), 17_000)},
		{json.RawMessage(`{}`), []int{128<<10 - 7, 128 << 10, 5}}, // the first part ends with the first line
		{json.RawMessage(`{}`), []int{128<<10 - 8, 3 << 20, 1}},
	} {
		a := &entity.Activation{
			Namespace: "guest", Name: "a", Local: "a", ID: entity.ActivationID(fmt.Sprintf("%032x", i+1)), Subject: "guest",
			Start: time.UnixMilli(int64(i + 1)).UTC(), Response: entity.Response{Result: tc.result},
		}
		for _, n := range tc.lines {
			a.Logs = append(a.Logs, strings.Repeat("l", n))
		}
		if err := records.Put(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		got, err := records.Get(t.Context(), a.Namespace, a.ID)
		if err != nil {
			t.Fatal(err)
		}
		if string(got.Response.Result) != string(tc.result) || !cmp.Equal(got.Logs, a.Logs) {
			t.Errorf("case %d: got %d bytes and %d lines", i, len(got.Response.Result), len(got.Logs))
		}
	}
}
