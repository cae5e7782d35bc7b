package webhook_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/feed"
	"github.com/gowhisk/gowhisk/internal/feed/webhook"
	"github.com/gowhisk/gowhisk/internal/store"
)

func TestSignedDeliveryFiresTheTriggerOnce(t *testing.T) {
	w := newWorld(t)
	path, secret := w.create(t, webhook.TypeStandard, `{}`)
	const body = `{"order": 7}`
	header := with(standard(secret, "d1", body, w.now), "authorization", "Basic x", "x-order", "7", "x-forwarded-for", "1.2.3.4")
	if code, answer := w.post(path, body, header); code != 202 || answer != `{"activationId":"0123"}` {
		t.Errorf("answer is %d %s", code, answer)
	}
	if len(w.shots) != 1 || fmt.Sprint(w.shots[0].Headers) != fmt.Sprintf("map[webhook-id:d1 webhook-timestamp:%d x-order:7]", w.now.Unix()) ||
		w.shots[0].Identity.Namespace.UUID != "uuid" {
		t.Errorf("shots are %+v", w.shots)
	}
	if got := w.fired(); got != `{"order":7}` {
		t.Errorf("fired %s", got)
	}
	w.restart(t)
	if code, _ := w.post(path, body, header); code != 204 || w.fired() != "" {
		t.Errorf("a replay after a restart is answered %d", code)
	}
}

func TestRequestsThatAreNotGenuineFireNothing(t *testing.T) {
	w := newWorld(t)
	path, secret := w.create(t, webhook.TypeStandard, `{}`)
	const body = `{"a":1}`
	good := standard(secret, "d1", body, w.now)
	for about, c := range map[string]struct {
		body   string
		header map[string]string
	}{
		"no headers":          {body, nil},
		"no signature":        {body, with(good, "webhook-signature", "")},
		"another body":        {`{"a":2}`, good},
		"another id":          {body, with(good, "webhook-id", "d2")},
		"another time":        {body, with(good, "webhook-timestamp", fmt.Sprint(w.now.Unix()+1))},
		"another secret":      {body, standard("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "d1", body, w.now)},
		"the secret as text":  {body, standard(strings.TrimPrefix(secret, "whsec_"), "d1", body, w.now)},
		"another version":     {body, with(good, "webhook-signature", strings.Replace(good["webhook-signature"], "v1,", "v2,", 1))},
		"too old":             {body, standard(secret, "d1", body, w.now.Add(-301*time.Second))},
		"from the future":     {body, standard(secret, "d1", body, w.now.Add(301*time.Second))},
		"no id":               {body, standard(secret, "", body, w.now)},
		"an endless id":       {body, standard(secret, strings.Repeat("x", 257), body, w.now)},
		"a signature too far": {body, with(good, "webhook-signature", strings.Repeat("v1,AAAA ", 8)+good["webhook-signature"])},
		"GitHub's way":        {body, github(secret, "d1", "push", body)},
	} {
		if code, answer := w.post(path, c.body, c.header); code != 401 || w.fired() != "" {
			t.Errorf("%s: %d %s", about, code, answer)
		}
	}
	if code, _ := w.post(path, body, with(good, "webhook-signature", "v1a,x v1,AAAA "+good["webhook-signature"])); code != 202 {
		t.Errorf("one good signature of several: %d", code)
	}
	for _, other := range []string{"/webhooks/", "/webhooks/" + strings.Repeat("a", 26), path + "/", path + "x", "/webhooks/../" + path} {
		if code, _ := w.post(other, body, good); code != 404 {
			t.Errorf("%s: %d", other, code)
		}
	}
	recorder := httptest.NewRecorder()
	w.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
	if recorder.Code != 405 || recorder.Header().Get("Allow") != "POST" {
		t.Errorf("GET: %d", recorder.Code)
	}
}

func TestBodiesBecomeObjects(t *testing.T) {
	w := newWorld(t)
	path, secret := w.create(t, webhook.TypeStandard, `{"secret":"not base64 but long enough"}`)
	if secret != "" {
		t.Error("a secret that the user brought is told")
	}
	secret = "not base64 but long enough"
	for i, c := range [][2]string{
		{``, `{}`}, {` {"a" : 1} `, `{"a":1}`}, {`[1]`, `{"payload":[1]}`}, {`7`, `{"payload":7}`},
		{`a=1&b=2`, `{"payload":"a=1&b=2"}`}, {`{"a":`, `{"payload":"{\"a\":"}`}, {"\xff\x00", `{"payload":"/wA=","encoding":"base64"}`},
	} {
		if code, _ := w.post(path, c[0], standard(secret, fmt.Sprint(i), c[0], w.now)); code != 202 {
			t.Errorf("%q is answered %d", c[0], code)
		}
		if got := w.fired(); got != c[1] {
			t.Errorf("%q becomes %s, want %s", c[0], got, c[1])
		}
	}
	large := strings.Repeat("x", 1<<20+1)
	if code, _ := w.post(path, large, standard(secret, "large", large, w.now)); code != 413 {
		t.Errorf("a body that is too large is answered %d", code)
	}
}

func TestGitHubFiresForTheEventsOfTheRepository(t *testing.T) {
	w := newWorld(t)
	path, secret := w.create(t, webhook.TypeGitHub, `{"events":"push, pull-request","username":"octo","repository":"cat","accessToken":"ghp_secret"}`)
	const body = `{"repository":{"full_name":"Octo/Cat"}}`
	for i, c := range []struct {
		event, body string
		want        int
	}{
		{"push", body, 202},
		{"pull_request", body, 202},
		{"issues", body, 204},
		{"ping", body, 204},
		{"push", `{"repository":{"full_name":"octo/dog"}}`, 204},
		{"push", `{}`, 204},
		{"push", `[1]`, 400},
		{"push", `not json`, 400},
	} {
		if code, answer := w.post(path, c.body, github(secret, fmt.Sprint(i), c.event, c.body)); code != c.want {
			t.Errorf("%s %s: %d %s, want %d", c.event, c.body, code, answer, c.want)
		}
	}
	if got := w.fired(); got != body+" "+body {
		t.Errorf("fired %s", got)
	}
	form := "payload=" + strings.NewReplacer("{", "%7B", "}", "%7D", `"`, "%22").Replace(body)
	header := with(github(secret, "form", "push", form), "content-type", "application/x-www-form-urlencoded")
	if code, _ := w.post(path, form, header); code != 202 || w.fired() != body {
		t.Errorf("a form is answered %d", code)
	}
	for about, header := range map[string]map[string]string{
		"no signature":   with(github(secret, "x", "push", body), "x-hub-signature-256", ""),
		"another secret": github("another", "x", "push", body),
		"SHA-1 only":     with(github(secret, "x", "push", body), "x-hub-signature-256", "", "x-hub-signature", "sha1=00"),
		"no delivery id": github(secret, "", "push", body),
	} {
		if code, _ := w.post(path, body, header); code != 401 || w.fired() != "" {
			t.Errorf("%s: %d", about, code)
		}
	}
	if code, _ := w.post(path, body, github(secret, "0", "push", body)); code != 204 || w.fired() != "" {
		t.Errorf("a replay is answered %d", code)
	}
	read, err := w.call(feed.Read, webhook.TypeGitHub, `{}`)
	if shown := fmt.Sprint(read); err != nil || strings.Contains(shown, secret) || strings.Contains(shown, "ghp_") || !strings.Contains(shown, "events:pull_request,push") {
		t.Errorf("read says %s, %v", shown, err)
	}
	kept, err := w.registry.Entry(t.Context(), "webhook", "guest/t")
	if err != nil || strings.Contains(string(kept), "ghp_") {
		t.Errorf("the access token is kept: %s, %v", kept, err)
	}
}

func TestDeliveriesThatComeTogetherFireOnce(t *testing.T) {
	w := newWorld(t)
	path, secret := w.create(t, webhook.TypeStandard, `{}`)
	header := standard(secret, "d1", `{}`, w.now)
	var all sync.WaitGroup
	var accepted atomic.Int32
	for range 32 {
		all.Go(func() {
			if code, _ := w.post(path, `{}`, header); code == 202 {
				accepted.Add(1)
			}
		})
	}
	all.Wait()
	if n := accepted.Load(); n != 1 || w.fired() != "{}" {
		t.Errorf("%d are accepted", n)
	}
}

func TestDeliveryThatCouldNotFireMayComeAgain(t *testing.T) {
	for _, c := range []struct {
		about string
		err   error
		want  int
		again int
	}{
		{"overload", entity.ErrUnavailable, 503, 202},
		{"throttle", entity.Errorf(entity.Throttled, "slow"), 429, 202},
		{"failure of the platform", errors.New("disk"), 503, 202},
		{"payload", entity.Errorf(entity.TooLarge, "big"), 413, 202},
		{"rights", entity.ErrNotEntitled, 404, 404},
		{"revoked key", entity.ErrAuthInvalid, 404, 404},
		{"trigger is gone", entity.ErrNotFound, 404, 404},
	} {
		w := newWorld(t)
		path, secret := w.create(t, webhook.TypeStandard, `{}`)
		header := standard(secret, "d1", `{}`, w.now)
		w.answer = func() (entity.ActivationID, error) { return "", c.err }
		if code, _ := w.post(path, `{}`, header); code != c.want {
			t.Errorf("%s: %d, want %d", c.about, code, c.want)
		}
		w.answer = nil
		w.restart(t)
		if code, _ := w.post(path, `{}`, header); code != c.again {
			t.Errorf("%s: again %d, want %d", c.about, code, c.again)
		}
		_, err := w.call(feed.Read, webhook.TypeStandard, `{}`)
		if gone := errors.Is(c.err, entity.ErrNotFound); gone != (err != nil) {
			t.Errorf("%s: read says %v", c.about, err)
		}
	}
}

func TestDeliveryWithoutAnActiveRuleIsDone(t *testing.T) {
	w := newWorld(t)
	path, secret := w.create(t, webhook.TypeStandard, `{}`)
	w.answer = func() (entity.ActivationID, error) { return "", nil }
	if code, body := w.post(path, `{}`, standard(secret, "d1", `{}`, w.now)); code != 204 || body != "" {
		t.Errorf("answer is %d %s", code, body)
	}
}

func TestLifecycleGovernsTheURL(t *testing.T) {
	w := newWorld(t)
	path, secret := w.create(t, webhook.TypeStandard, `{}`)
	n := 0
	status := func(path, secret string) int {
		n++
		code, _ := w.post(path, `{}`, standard(secret, fmt.Sprint(n), `{}`, w.now))
		return code
	}
	do := func(event feed.Event, params string) map[string]any {
		t.Helper()
		answer, err := w.call(event, webhook.TypeStandard, params)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	do(feed.Pause, `{}`)
	if code := status(path, secret); code != 404 {
		t.Errorf("paused: %d", code)
	}
	do(feed.Unpause, `{}`)
	w.restart(t)
	if code := status(path, secret); code != 202 {
		t.Errorf("unpaused: %d", code)
	}
	rotated, _ := do(feed.Update, `{"rotateSecret":true}`)["secret"].(string)
	if old, next := status(path, secret), status(path, rotated); old != 401 || next != 202 {
		t.Errorf("rotated: the old secret %d, the new one %d", old, next)
	}
	another, secret := w.create(t, webhook.TypeStandard, `{}`)
	if old, next := status(path, rotated), status(another, secret); old != 404 || next != 202 || another == path {
		t.Errorf("created anew: the old URL %d, the new one %d", old, next)
	}
	do(feed.Delete, `{}`)
	if code := status(another, secret); code != 404 {
		t.Errorf("deleted: %d", code)
	}
	for _, kind := range []string{"webhook", "webhook-delivery"} {
		if err := w.registry.Entries(t.Context(), kind, "", func(e store.Entry) error { return errors.New(e.Key) }); err != nil {
			t.Errorf("%s is left", err)
		}
	}
}

func TestParametersOfWebhooksAreChecked(t *testing.T) {
	w := newWorld(t)
	for _, c := range [][3]string{
		{webhook.TypeStandard, `{"secret":"short"}`, "the secret parameter must have at least 16 characters"},
		{webhook.TypeStandard, `{"secret":"whsec_abcdefghijklm"}`, "the secret parameter must have base64 of at least 16 bytes after whsec_"},
		{webhook.TypeGitHub, `{}`, "github webhook feed is missing the events parameter"},
		{webhook.TypeGitHub, `{"events":"push,,x"}`, "the events parameter must be a comma-separated list of GitHub's events, or *"},
		{webhook.TypeGitHub, `{"events":["push"]}`, "the events parameter must be a comma-separated list of GitHub's events, or *"},
		{webhook.TypeGitHub, `{"events":"*","repository":"cat"}`, "the repository parameter must be OWNER/NAME, or NAME beside the username parameter"},
	} {
		if _, err := w.call(feed.Create, c[0], c[1]); err == nil || err.Error() != c[2] {
			t.Errorf("%s %s: %v, want %s", c[0], c[1], err, c[2])
		}
	}
	if _, err := w.call(feed.Read, webhook.TypeGitHub, `{}`); err == nil || err.Error() != "could not find trigger /guest/t in the database" {
		t.Errorf("read without a webhook: %v", err)
	}
	w.create(t, webhook.TypeGitHub, `{"events":"*"}`)
	if _, err := w.call(feed.Update, webhook.TypeGitHub, `{"accessToken":"x"}`); err == nil || err.Error() != "no updatable parameters were specified" {
		t.Errorf("update with nothing: %v", err)
	}
}

// A sender that sends its body slowly holds a place, but not those of others
// for long; here it leaves in the middle.
func TestSenderThatLeavesInTheMiddleFiresNothing(t *testing.T) {
	w := newWorld(t)
	path, _ := w.create(t, webhook.TypeStandard, `{}`)
	ended := make(chan int, 1)
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		recorder := httptest.NewRecorder()
		w.ServeHTTP(recorder, r)
		ended <- recorder.Code
	}))
	defer s.Close()
	conn, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	out := bufio.NewWriter(conn)
	fmt.Fprintf(out, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf", path)
	if err := errors.Join(out.Flush(), conn.Close()); err != nil {
		t.Fatal(err)
	}
	if code := <-ended; code != 408 || w.fired() != "" {
		t.Errorf("answer is %d", code)
	}
}

// FuzzServe sends a webhook whatever: nothing without a signature fires.
func FuzzServe(f *testing.F) {
	f.Add("d", "1763600000", "v1,AAAA", "sha256=00", "application/json", []byte(`{}`))
	f.Add("", "-1", "v1, v1a,", "", "application/x-www-form-urlencoded", []byte("payload=%7b"))
	w := newWorld(f)
	path, _ := w.create(f, webhook.TypeStandard, `{}`)
	f.Fuzz(func(t *testing.T, id, stamp, signature, hub, contentType string, body []byte) {
		header := map[string]string{
			"webhook-id": id, "webhook-timestamp": stamp, "webhook-signature": signature,
			"x-hub-signature-256": hub, "x-github-delivery": id, "content-type": contentType,
		}
		if code, _ := w.post(path, string(body), header); code != 401 && code != 413 || w.fired() != "" {
			t.Errorf("answer is %d", code)
		}
	})
}
