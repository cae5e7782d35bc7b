package webhook_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/feed"
	"github.com/gowhisk/gowhisk/internal/feed/webhook"
	"github.com/gowhisk/gowhisk/internal/store"
	"github.com/gowhisk/gowhisk/internal/store/pebble"
)

// world is a provider on a real store, with a clock that stands and triggers
// that note what they are fired with.
type world struct {
	*webhook.Provider
	registry store.Registry
	now      time.Time

	mu     sync.Mutex
	shots  []feed.Shot
	answer func() (entity.ActivationID, error)
}

func newWorld(t testing.TB) *world {
	t.Helper()
	db, err := pebble.Open(t.Context(), t.TempDir(), pebble.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &world{registry: db.Registry(), now: time.Unix(1763600000, 0)}
	w.restart(t)
	return w
}

// restart is another life of the provider on the same store.
func (w *world) restart(t testing.TB) {
	t.Helper()
	w.Provider = webhook.New(webhook.Config{
		Registry: w.registry, Gun: &feed.Gun{Identities: w, Firer: w}, URL: "http://host",
		Now: func() time.Time { return w.now },
	})
	if err := w.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (w *world) Owner(_ context.Context, uuid string) (*entity.Identity, error) {
	return &entity.Identity{Namespace: entity.Namespace{Name: "guest", UUID: uuid}}, nil
}

func (w *world) Fire(_ context.Context, s feed.Shot) (entity.ActivationID, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.answer != nil {
		if id, err := w.answer(); err != nil || id == "" {
			return id, err
		}
	}
	w.shots = append(w.shots, s)
	return "0123", nil
}

// fired are the payloads since the last call.
func (w *world) fired() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []string
	for _, s := range w.shots {
		all = append(all, string(s.Payload))
	}
	w.shots = nil
	return strings.Join(all, " ")
}

// call makes a call of a feed action.
func (w *world) call(event feed.Event, hookType, params string) (map[string]any, error) {
	c := &feed.Call{
		Event: event, Trigger: entity.Name{Namespace: "guest", Name: "t"},
		Owner:  &entity.Identity{Namespace: entity.Namespace{Name: "guest", UUID: "uuid"}},
		Params: feed.Params{},
	}
	if err := json.Unmarshal([]byte(params), &c.Params); err != nil {
		return nil, err
	}
	c.Params[webhook.TypeParam] = json.RawMessage(`"` + hookType + `"`)
	result, err := w.Feed(context.Background(), c)
	if err != nil {
		return nil, err
	}
	out, err := json.Marshal(result)
	if err != nil {
		return nil, err
	}
	var answer map[string]any
	return answer, json.Unmarshal(out, &answer)
}

// create makes a webhook and returns its path and its secret.
func (w *world) create(t testing.TB, hookType, params string) (path, secret string) {
	t.Helper()
	answer, err := w.call(feed.Create, hookType, params)
	if err != nil {
		t.Fatal(err)
	}
	secret, _ = answer["secret"].(string)
	return strings.TrimPrefix(fmt.Sprint(answer["url"]), "http://host"), secret
}

// post sends a request and returns the status and the body.
func (w *world) post(path, body string, header map[string]string) (int, string) {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	for name, value := range header {
		r.Header.Set(name, value)
	}
	recorder := httptest.NewRecorder()
	w.ServeHTTP(recorder, r)
	return recorder.Code, recorder.Body.String()
}

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// standard are the headers of a delivery that is signed at a time.
func standard(secret, id, body string, at time.Time) map[string]string {
	key := []byte(secret)
	if encoded, ok := strings.CutPrefix(secret, "whsec_"); ok {
		key, _ = base64.StdEncoding.DecodeString(encoded)
	}
	stamp := strconv.FormatInt(at.Unix(), 10)
	return map[string]string{
		"webhook-id": id, "webhook-timestamp": stamp, "content-type": "application/json",
		"webhook-signature": "v1," + base64.StdEncoding.EncodeToString(mac(key, id+"."+stamp+"."+body)),
	}
}

// github are the headers of a delivery of GitHub's.
func github(secret, id, event, body string) map[string]string {
	return map[string]string{
		"x-github-delivery": id, "x-github-event": event, "content-type": "application/json",
		"x-hub-signature-256": "sha256=" + hex.EncodeToString(mac([]byte(secret), body)),
	}
}

// with is headers with some changed.
func with(headers map[string]string, changes ...string) map[string]string {
	headers = maps.Clone(headers)
	for i := 0; i < len(changes); i += 2 {
		headers[changes[i]] = changes[i+1]
	}
	return headers
}
