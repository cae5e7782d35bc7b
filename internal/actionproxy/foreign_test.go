package actionproxy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"github.com/gowhisk/gowhisk/internal/protocol"
)

// foreign is an action container that knows nothing of this proxy. Its code is one word that says what
// it does.
type foreign struct {
	mu     sync.Mutex
	code   string // guarded by mu
	inits  int    // guarded by mu
	silent bool   // it sends no sentinels
}

// serveForeign serves on PORT until SIGTERM; SIGUSR1 is printed. mode is "", "silent", or "dead".
func serveForeign(mode string) error {
	if mode == "dead" {
		return fmt.Errorf("no way")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	go func() {
		for range signals {
			fmt.Println("got SIGUSR1")
		}
	}()
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		return err
	}
	f := &foreign{silent: mode == "silent"}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /init", f.init)
	mux.HandleFunc("POST /run", f.run)
	server := &http.Server{Handler: mux}
	go func() {
		<-ctx.Done()
		fmt.Println("got SIGTERM")
		_ = server.Close()
	}()
	_ = server.Serve(l) // it was closed
	return nil
}

func (f *foreign) init(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var req protocol.InitRequest
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if f.inits++; f.inits > 1 {
		http.Error(w, `{"error":"Cannot initialize the action more than once."}`, http.StatusForbidden)
		return
	}
	f.code = strings.TrimSpace(req.Value.Code)
	if f.code == "broken" {
		http.Error(w, `{"error":"broken"}`, http.StatusBadGateway)
		return
	}
	fmt.Println("init of", req.Value.Name, req.Value.Main, req.Value.Binary, req.Value.Env["K"])
	fmt.Fprint(w, `{"ok":true}`)
}

func (f *foreign) run(w http.ResponseWriter, r *http.Request) {
	var members map[string]json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&members); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var value struct{ Do string }
	_ = json.Unmarshal(members["value"], &value) // an array asks for nothing
	switch value.Do {
	case "exit":
		os.Exit(3)
	case "hang":
		<-r.Context().Done()
		return
	}
	fmt.Printf("out %s\n", members["activation_id"])
	fmt.Fprint(os.Stderr, "err without line feed")
	f.mu.Lock()
	result, err := json.Marshal(map[string]any{"inits": f.inits, "code": f.code, "body": members, "host": os.Getenv("__OW_API_HOST")})
	f.mu.Unlock()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.(http.Flusher).Flush() // an answer without length, which OpenWhisk would not take
	_, _ = w.Write(result)
	if !f.silent {
		fmt.Println(protocol.LogSentinel)
		fmt.Fprintln(os.Stderr, protocol.LogSentinel)
	}
}
