package actionproxy_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/protocol"
)

// What the proxies before this one are known to do wrong, by the proxy that does it.

// The Knative build of OpenWhisk's runtimes copies the init into the arguments and deletes it there.
func TestParametersNamedLikeTheInitAreNotLost(t *testing.T) {
	s := stem(t, "nodejs")
	s.want(s.post(`{`+initOf(echo)+`,"activation":{},"value":{"name":"n","main":"m","code":"c","binary":true,"raw":false,"env":{},"init":1}}`), 200,
		`{"name":"n","main":"m","code":"c","binary":true,"raw":false,"env":{},"init":1}`)
	for _, body := range []string{`{"name":"n","main":"m","code":"c","binary":true,"raw":1}`, `{"init":{},"other":1}`, `{"value":{"a":1}}`, `{"value":{},"activation":{},"x":1}`} {
		s.want(s.post(body), 200, body)
	}
}

// It overwrites the header that the action sets, and writes blanks into its own.
func TestCORSHeadersOfTheActionAreKept(t *testing.T) {
	s := dedicated(t, `function main(a) { return {headers: a.own ? {'access-control-allow-headers': 'Own'} : {}, body: 'x'}; }`, exported)
	if got := s.post(`{"own":1}`).header.Get("Access-Control-Allow-Headers"); got != "Own" {
		t.Errorf("got %q", got)
	}
	if got := s.post(`{}`).header.Get("Access-Control-Allow-Headers"); got != "Authorization, Origin, X-Requested-With, Content-Type, Accept, User-Agent" {
		t.Errorf("got %q", got)
	}
}

// It stops for ever, and no probe tells.
func TestFailedInitDoesNotPoisonTheProcess(t *testing.T) {
	s := stem(t, "nodejs")
	s.want(s.post(`{"init":{"name":"x","main":"main","code":"throw new Error('bad')"}}`), 502, "bad")
	s.want(s.post(`{"init":{"name":"x","main":"main","code":""}}`), 403, protocol.NoCode)
	s.want(s.post(`{"init":{"name":"x","main":"main","code":"!","binary":true}}`), 400, "cannot decode")
	s.want(s.send("GET", "/healthz", ""), 200, "")
	s.want(s.post(`{`+initOf(echo)+`}`), 200, `{"OK":true}`)
}

// It refuses a request that comes while another one runs with 403 "System not ready".
func TestSecondRequestAtTheSameTimeWaitsForItsTurn(t *testing.T) {
	s := dedicated(t, `async function main(a) { await new Promise(r => setTimeout(r, 20)); return a; }`, "")
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() { s.want(s.post(`{"a":1}`), 200, `{"a":1}`) })
	}
	wg.Wait()
}

// It answers {"error":…} with 200.
func TestApplicationErrorIsNoSuccess(t *testing.T) {
	s := dedicated(t, `function main() { return {error: 'no'}; }`, "")
	s.want(s.post(`{}`), 502, `{"error":"no"}`)
}

// It has the code in a variable of the environment, which holds 128 KiB and is seen by everybody.
func TestCodeMayBeLargeAndIsNotInTheEnvironment(t *testing.T) {
	code := `function main() { return {env: JSON.stringify(process.env).includes('needle')}; } // needle ` + strings.Repeat("x", 300<<10)
	s := dedicated(t, code, "")
	s.want(s.post(`{}`), 200, `{"env":false}`)
}

// It answers OPTIONS itself, whatever the action says.
func TestOptionsAreLeftToTheActionThatAsksForThem(t *testing.T) {
	const code = `function main(a) { return {headers: {'Access-Control-Allow-Methods': 'OPTIONS'}, statusCode: 200, body: a.__ow_method}; }`
	s := dedicated(t, code, `"annotations":[{"key":"web-export","value":true},{"key":"web-custom-options","value":true}]`)
	got := s.send("OPTIONS", "/hello", "")
	s.want(got, 200, "options")
	if methods := got.header.Get("Access-Control-Allow-Methods"); methods != "OPTIONS" {
		t.Errorf("got %q", methods)
	}
}

// It has no PATCH and no HEAD.
func TestEveryMethodReachesTheAction(t *testing.T) {
	s := dedicated(t, `function main(a) { return {headers: {method: a.__ow_method}}; }`, exported)
	for _, method := range []string{"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"} {
		if got := s.send(method, "/hello", "").header.Get("Method"); got != strings.ToLower(method) {
			t.Errorf("%s: the action got %q", method, got)
		}
	}
}

// It decodes images, and no other type whose bodies are not text.
func TestBodiesOfEveryBinaryTypeAreDecoded(t *testing.T) {
	s := dedicated(t, `function main(a) { return {headers: {'Content-Type': a.type}, body: 'AAEC'}; }`, exported)
	for _, kind := range []string{"image/png", "audio/mpeg", "video/mp4", "application/zip", "application/octet-stream", "application/pdf"} {
		if got := s.post(`{"type":"` + kind + `"}`); got.status != 200 || got.body != "\x00\x01\x02" {
			t.Errorf("%s: got %d %q", kind, got.status, got.body)
		}
	}
}

// It knows no path, and gives the query as an object.
func TestPathAndQueryAreTheRequests(t *testing.T) {
	s := dedicated(t, `function main(a) { return {body: {p: a.__ow_path, q: a.__ow_query}}; }`, `"annotations":[{"key":"web-export","value":true},{"key":"raw-http","value":true}]`)
	s.want(s.send("GET", "/hello/a/b?x=1&y", ""), 200, `{"p":"/a/b","q":"x=1&y"}`)
}

// OpenWhisk's Go proxy cuts values of the environment at the second "=".
func TestValuesWithEqualSignsAreWhole(t *testing.T) {
	const env = `echo "{\"init\":\"$X\",\"run\":\"$__OW_API_KEY\"}"`
	s := stem(t, "bash")
	s.want(s.post(`{"init":{"name":"x","code":`+quote(env)+`,"env":{"X":"a=b=c"}},"activation":{"api_key":"u:p=="},"value":{}}`), 200, `{"init":"a=b=c","run":"u:p=="}`)
}

// It takes the one signal of the child's end with the first look at it, and keeps the child's end of the
// pipe open, so that a second run waits for ever.
func TestEveryRunAfterADeadChildIsAnswered(t *testing.T) {
	c := serveKind(t, "bash", nil)
	c.mustInit(protocol.Init{Code: `kill -9 $PPID; sleep 60`})
	begin := time.Now()
	c.wantRun(`{}`, 400, `{"error":"command exited"}`)
	for range 3 {
		c.wantRun(`{}`, 500, `{"error":"no action defined yet"}`)
	}
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
}

// It has no guard against two requests on its one pair of pipes.
func TestRunsAtTheSameTimeGetTheirOwnAnswers(t *testing.T) {
	c := serveKind(t, "nodejs", nil)
	c.mustInit(protocol.Init{Main: "main", Code: echo})
	var wg sync.WaitGroup
	for _, n := range []string{"1", "2", "3", "4", "5", "6"} {
		wg.Go(func() { c.wantRun(`{"n":`+n+`}`, 200, `{"n":`+n+`}`) })
	}
	wg.Wait()
}

// It answers unknown paths with an empty 200.
func TestUnknownPathsAreErrors(t *testing.T) {
	c := serveKind(t, "bash", nil)
	for _, path := range []string{"/", "/other", "/init/", "/healthz"} {
		if status, body := c.post(path, `{}`); status != http.StatusNotFound || !strings.Contains(body, "error") {
			t.Errorf("%s: got %d %s", path, status, body)
		}
	}
}

// It takes no note of the deadline, so that a run without end occupies the container.
func TestRunIsEndedAfterItsDeadline(t *testing.T) {
	c := serveKind(t, "nodejs", nil)
	c.mustInit(protocol.Init{Main: "main", Code: `function main(a) { while (true); }`})
	req := request(`{}`)
	req.Deadline = time.Now().Add(100 * time.Millisecond)
	status, body := c.post("/run", string(req.Append(nil)))
	if status != http.StatusBadGateway || !strings.Contains(body, actionproxy.ErrDeadline.Error()) {
		t.Errorf("got %d %s", status, body)
	}
	c.wantRun(`{}`, 403, `{"error":"System not ready, status is stopped."}`)
}

// It removes every newline from the body before the action reads it.
func TestNewlinesAreKeptWhereTheyMeanSomething(t *testing.T) {
	c := serveKind(t, "nodejs", nil)
	c.mustInit(protocol.Init{Main: "main", Code: echo + "\n// \n"})
	if status, body := c.post("/run", "{\n\"value\":\r\n{\"a\":\n\"x\\ny\"}\n}\n"); status != 200 || compact([]byte(body)) != `{"a":"x\ny"}` {
		t.Errorf("got %d %s", status, body)
	}
}

// It waits for ever on clients that send nothing, ends without a word where it cannot listen, and ends
// its runs when it is told to stop. That needs the program:
// TestClientsThatSendNothingAreNotWaitedForLong, TestWrongSettingsEndTheProgramWithAReason,
// TestServesAKindAndEndsRunsBeforeItStops.

// The watchdog of OpenFaaS ends with its child: TestShimBringsBackARuntimeThatEndsOrHangs.

// The shim of kwsk sends the first request before the runtime listens, and one init for each of several
// first requests: TestShimInitializesOnceHoweverManyComeFirst. It passes no member of the activation and
// no log on: TestShimPassesTheActivationAndReturnsItsLogs. It passes no signal on:
// TestShimPassesSignalsOnAndEndsTheRuntimeGracefully.
