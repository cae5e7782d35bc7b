// Command foreign is an action runtime as others make them: it speaks OpenWhisk's /init and /run,
// knows one action, and shares nothing with gowhisk.
package main

import (
	"encoding/json"
	"log"
	"net/http"
	"os"
	"sync/atomic"
)

func main() {
	var initialized atomic.Bool
	http.HandleFunc("POST /init", func(w http.ResponseWriter, _ *http.Request) {
		if initialized.Swap(true) {
			http.Error(w, `{"error":"Cannot initialize the action more than once."}`, http.StatusForbidden)
			return
		}
		_, _ = w.Write([]byte(`{"ok":true}`))
	})
	http.HandleFunc("POST /run", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Value        map[string]any `json:"value"`
			ActivationID string         `json:"activation_id"`
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || !initialized.Load() {
			http.Error(w, `{"error":"not initialized"}`, http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"name": body.Value["name"], "activation": body.ActivationID != ""})
		const sentinel = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX\n"
		_, _ = os.Stdout.WriteString(sentinel)
		_, _ = os.Stderr.WriteString(sentinel)
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}
