package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/test/corpus"
)

// node is what serveOn needs for actions in JavaScript, without stem cells.
func node() []string {
	registry := os.Getenv("REGISTRY")
	return []string{"--knative-registry", registry + "/e2e-actions", "--knative-images", "nodejs:18=" + registry + "/node:0", "--knative-stem-cells", "all=0"}
}

// web makes a web action.
func (o *onCluster) web(name, code string, more ...string) {
	o.t.Helper()
	file := o.file(strings.ReplaceAll(name, "/", "-")+".js", code)
	o.do(append([]string{"action", "update", name, file, "--kind", "nodejs:18", "--web", "true"}, more...)...)
}

// host is the action's own, once that answers.
func (o *onCluster) host(name string) string {
	o.t.Helper()
	service := ""
	o.until("no Service of "+name, func() bool { service = o.services()["/guest/"+name]; return service != "" })
	if err := o.ready(o.t.Context(), service); err != nil {
		o.t.Fatal(err)
	}
	return strings.TrimPrefix(o.mustKubectl(o.t, "", "get", "ksvc", service, "-o", "jsonpath={.status.url}"), "http://")
}

// twice sends a request to the API server and to the host of the action, and returns both answers.
func (o *onCluster) twice(host, path string, r corpus.Request, more map[string]string) (api, own corpus.Response) {
	o.t.Helper()
	headers := map[string]string{"X-Request-Id": "the-same"}
	maps.Copy(headers, more)
	api, err := corpus.Send(o.t.Context(), corpus.Sample{}, r, o.server.URL+path, headers)
	if err != nil {
		o.t.Fatalf("%s: %v", path, err)
	}
	headers["Host"] = host
	if own, err = corpus.Send(o.t.Context(), corpus.Sample{}, r, o.ingress+path, headers); err != nil {
		o.t.Fatalf("%s: %v", path, err)
	}
	return api, own
}

// same compares two answers: status, headers but for those of the connection, and body. The id of the
// activation is another one.
func same(api, own corpus.Response) error {
	shown := func(r corpus.Response) string {
		text := fmt.Sprintln(r.Status)
		for _, name := range slices.Sorted(maps.Keys(r.Header)) {
			switch name {
			case "Date", "Connection", "Keep-Alive", "Server":
			case "X-Openwhisk-Activation-Id":
				text += fmt.Sprintln(name, len(r.Header.Get(name)))
			default:
				text += fmt.Sprintln(name, r.Header[name])
			}
		}
		return text + "\n" + string(r.Body[:min(len(r.Body), 2000)])
	}
	if a, b := shown(api), shown(own); a != b || string(api.Body) != string(own.Body) {
		return fmt.Errorf("the API answers\n%s\nits host\n%s", a, b)
	}
	return nil
}

// gathered is one action of the samples that are deployed in the same way: the header X-Sample chooses.
func gathered(samples []corpus.Sample) string {
	code := "const samples = {};\n"
	for _, s := range samples {
		code += fmt.Sprintf("samples[%q] = (() => { %s\nreturn main; })();\n", s.Name, s.Code)
	}
	return code + "function main(args) { const f = samples[args.__ow_headers['x-sample']]; delete args.__ow_headers['x-sample']; return f(args); }\n"
}

func TestWebActionsAnswerOnTheirOwnHostAsAtTheAPI(t *testing.T) {
	o := serveOn(t, node()...)
	all, err := corpus.Load("../corpus/testdata/corpus")
	if err != nil {
		t.Fatal(err)
	}
	groups := map[string][]corpus.Sample{} // by how they are deployed
	for _, s := range all {
		if !s.Web || s.Language != "js" || s.Binary {
			continue
		}
		how, err := json.Marshal([]any{s.Annotations, s.Parameters})
		if err != nil {
			t.Fatal(err)
		}
		groups[string(how)] = append(groups[string(how)], s)
	}
	for _, samples := range groups {
		var more []string
		for key, value := range samples[0].Annotations {
			more = append(more, "-a", key, fmt.Sprint(value))
		}
		for key, value := range samples[0].Parameters {
			text, err := json.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			more = append(more, "-p", key, string(text))
		}
		o.web(samples[0].Name, gathered(samples), more...)
	}
	requests := 0
	for _, samples := range groups {
		name := samples[0].Name
		host := o.host(name)
		for _, s := range samples {
			t.Run(s.Name, func(t *testing.T) {
				for _, r := range s.Requests {
					path := "/api/v1/web/guest/default/" + name + r.Path
					if r.URL != "" {
						path = strings.ReplaceAll(r.URL, "{name}", name)
					}
					requests++
					if err := same(o.twice(host, path, r, map[string]string{"X-Sample": s.Name})); err != nil {
						t.Errorf("%s: %v", r.Name, err)
					}
				}
			})
		}
	}
	t.Log(requests, "requests of the corpus")
}

func TestTheHostOfAWebActionRefusesWhatTheAPIRefuses(t *testing.T) {
	o := serveOn(t, node()...)
	const echo = `function main({__ow_headers, ...args}) { return {body: args} }`
	o.do("package", "create", "shop", "-p", "currency", "EUR", "-p", "country", "fr")
	o.web("shop/cart", echo, "-p", "country", "de")
	o.web("key", echo, "-a", "require-whisk-auth", "true")
	o.web("secret", echo, "-a", "require-whisk-auth", "abc")
	o.web("fails", `function main(a) { if (a.exit) process.exit(1); if (a.nothing) return 7;
  if (a.headers) return {headers: {'X-Gowhisk-Error': 'own', 'X-Request-Id': 'own', 'Connection': 'close', 'Content-Length': 1, 'X-Own': ['a', 'b'], 'Access-Control-Allow-Origin': 'x'}, body: 'abc'};
  throw new Error('no') }`)
	o.web("a b", echo)
	hosts := map[string]string{}
	for _, name := range []string{"shop/cart", "key", "secret", "fails", "a b"} {
		hosts[name] = o.host(name)
	}
	guest := "Basic " + base64.StdEncoding.EncodeToString([]byte(o.server.Key))
	header := func(more ...string) map[string]string {
		h := map[string]string{}
		for i := 0; i < len(more); i += 2 {
			h[more[i]] = more[i+1]
		}
		return h
	}
	jsonBody := func(text string) corpus.Request { return corpus.Request{JSON: json.RawMessage(text)} }
	get := corpus.Request{Method: "GET"}
	for name, row := range map[string]struct {
		action, rest string
		request      corpus.Request
		header       map[string]string
		status       int
	}{
		"parameters of the package":         {"shop/cart", ".json?n=1", get, nil, 200},
		"which are final":                   {"shop/cart", ".json?currency=USD", get, nil, 400},
		"no extension":                      {"shop/cart", "", get, nil, 200},
		"unknown extension":                 {"shop/cart", ".xml", get, nil, 404},
		"two extensions":                    {"shop/cart", ".json.json", get, nil, 404},
		"another action":                    {"shop/cart", "s", get, nil, 404},
		"another action's options":          {"shop/cart", "s", corpus.Request{Method: "OPTIONS"}, nil, 200},
		"path":                              {"shop/cart", ".json/a%2Fb//c/../d", get, nil, 200},
		"options":                           {"shop/cart", "", corpus.Request{Method: "OPTIONS"}, header("Access-Control-Request-Headers", "X-One"), 200},
		"head":                              {"shop/cart", ".json", corpus.Request{Method: "HEAD"}, nil, 200},
		"method":                            {"shop/cart", ".json", corpus.Request{Method: "TRACE"}, nil, 405},
		"not acceptable":                    {"shop/cart", ".json", get, header("Accept", "image/png"), 406},
		"malformed body":                    {"shop/cart", ".json", jsonBody(`{"a":`), nil, 400},
		"deep body":                         {"shop/cart", ".json", jsonBody(`{"a":` + strings.Repeat("[", 9900) + strings.Repeat("]", 9900) + `}`), nil, 400},
		"reserved in the query":             {"shop/cart", ".json?__ow_user=root", get, nil, 400},
		"reserved in the body":              {"shop/cart", ".json", jsonBody(`{"__ow_user":"root"}`), nil, 400},
		"big body":                          {"shop/cart", ".json", jsonBody(`"` + strings.Repeat("x", 1<<20) + `"`), nil, 413},
		"long URL":                          {"shop/cart", ".json?a=" + strings.Repeat("x", 8300), get, nil, 414},
		"who calls":                         {"shop/cart", ".json", get, header("Authorization", guest), 200},
		"who calls with a wrong key":        {"shop/cart", ".json", get, header("Authorization", guest[:len(guest)-8]+"AAAAAAA="), 200},
		"key":                               {"key", ".json", get, header("Authorization", guest), 200},
		"no key":                            {"key", ".json", get, nil, 401},
		"wrong key":                         {"key", ".json", get, header("Authorization", guest[:len(guest)-8]+"AAAAAAA="), 401},
		"not a key":                         {"key", ".json", get, header("Authorization", "Bearer "+o.server.Key), 401},
		"options without key":               {"key", ".json", corpus.Request{Method: "OPTIONS"}, nil, 200},
		"secret":                            {"secret", ".json", get, header("X-Require-Whisk-Auth", "abc"), 200},
		"no secret":                         {"secret", ".json", get, nil, 401},
		"wrong secret":                      {"secret", ".json", get, header("X-Require-Whisk-Auth", "abd", "Authorization", guest), 401},
		"throws":                            {"fails", ".json", get, nil, 400},
		"exits":                             {"fails", ".json?exit=1", get, nil, 400},
		"headers that are not the action's": {"fails", ".http?headers=1", get, nil, 200},
		"a blank in the name":               {"a b", ".json/x", get, nil, 200},
		"no object":                         {"fails", ".http?nothing=1", get, nil, 400},
	} {
		t.Run(name, func(t *testing.T) {
			path := row.action
			if !strings.Contains(path, "/") {
				path = "default/" + path
			}
			api, own := o.twice(hosts[row.action], "/api/v1/web/guest/"+strings.ReplaceAll(path, " ", "%20")+row.rest, row.request, row.header)
			if err := same(api, own); err != nil || own.Status != row.status {
				t.Errorf("want %d: %v", row.status, err)
			}
		})
	}
	t.Run("parameters of the package change", func(t *testing.T) {
		o.do("package", "update", "shop", "-p", "currency", "CHF")
		o.until("the host does not know", func() bool {
			_, own := o.twice(hosts["shop/cart"], "/api/v1/web/guest/shop/cart.json", get, header())
			return strings.Contains(string(own.Body), `"CHF"`)
		})
	})
	t.Run("an action that is taken off the web", func(t *testing.T) { o.takenOff("secret", hosts["secret"]) })
}

// takenOff checks that a host goes with the annotation web-export, and comes back with it.
func (o *onCluster) takenOff(name, host string) {
	o.t.Helper()
	visible := func() bool {
		_, own := o.twice(host, "/api/v1/web/guest/default/"+name+".json", corpus.Request{Method: "GET"}, map[string]string{"X-Require-Whisk-Auth": "abc"})
		return own.Status == http.StatusOK
	}
	o.do("action", "update", name, "--web", "false")
	o.until("it can be seen", func() bool { return !visible() })
	label := o.mustKubectl(o.t, "", "get", "ksvc", o.services()["/guest/"+name], "-o", `jsonpath={.metadata.labels.networking\.knative\.dev/visibility}`)
	if label != "cluster-local" {
		o.t.Errorf("its visibility is %q", label)
	}
	o.do("action", "update", name, "--web", "true")
	o.until("it cannot be seen", visible)
}

func TestRequestsThatDoNotPassTheServerHaveRecords(t *testing.T) {
	o := serveOn(t, node()...)
	o.web("hello", `function main(a) { console.log('hello', a.name); if (a.name == 'nobody') throw new Error('who'); return {body: a.name, event: a.__ce_id} }`)
	host := o.host("hello")
	call := func(name string) string {
		o.t.Helper()
		res, err := corpus.Send(t.Context(), corpus.Sample{}, corpus.Request{Method: "GET"}, o.ingress+"/hello.http?name="+name, map[string]string{"Host": host})
		id := res.Header.Get("X-Openwhisk-Activation-Id")
		if err != nil || id == "" {
			t.Fatalf("%s: %d %v %s, %v", name, res.Status, res.Header, res.Body, err)
		}
		return id
	}
	o.says("get", o.do("action", "get", "hello"), `"value": "http://`+host+`"`)
	o.says("the URL of OpenWhisk", o.do("action", "get", "hello", "--url"), "/api/v1/web/guest/default/hello")
	recorded := func(id, words, logs string) {
		o.t.Helper()
		get := []string{"activation", "get", id}
		o.until("no record of "+id, func() bool { out, ok := o.try(get...); return ok && strings.Contains(out, id) })
		o.says("record", o.do(get...), words)
		o.says("logs", o.do("activation", "logs", id), logs)
	}
	recorded(call("Bob"), `"status": "success"`, "hello Bob")
	recorded(call("nobody"), `"status": "action developer error"`, "hello nobody")

	event := corpus.Request{Header: map[string]string{"Ce-Id": "e1", "Ce-Source": "/s", "Ce-Type": "t", "Ce-Specversion": "1.0"}, JSON: json.RawMessage(`{"name":"Eve"}`)}
	res, err := corpus.Send(t.Context(), corpus.Sample{}, event, o.ingress+"/", map[string]string{"Host": host})
	if err != nil || res.Status != http.StatusNoContent {
		t.Fatalf("event: %d %s, %v", res.Status, res.Body, err)
	}
	recorded(res.Header.Get("X-Openwhisk-Activation-Id"), `"event": "e1"`, "hello Eve")

	o.server.Stop(t)
	id := call("Carl")
	o.start()
	recorded(id, `"status": "success"`, "hello Carl")
	if list := o.do("activation", "list", "hello"); strings.Count(list, "success") != 3 || strings.Count(list, "developer") != 1 {
		t.Errorf("records are\n%s", list)
	}
}

// TestEventsOfSourcesHaveRecords has the Service of an action as the sink of a source of Knative's.
func TestEventsOfSourcesHaveRecords(t *testing.T) {
	o := serveOn(t, node()...)
	o.do("action", "create", "tick", o.file("tick.js", `function main(a) { console.log(a.__ce_type); return {got: a.message} }`), "--kind", "nodejs:18")
	o.host("tick")
	o.mustKubectl(t, fmt.Sprintf(`
apiVersion: sources.knative.dev/v1
kind: PingSource
metadata: {name: tick}
spec:
  schedule: "*/2 * * * * *"
  contentType: application/json
  data: '{"message":"ping"}'
  sink: {ref: {apiVersion: serving.knative.dev/v1, kind: Service, name: %s}}
`, o.services()["/guest/tick"]), "apply", "-f", "-")
	var list []struct{ ActivationID string }
	o.until("no tick has a record", func() bool {
		status, err := o.call(t.Context(), http.MethodGet, "/activations?name=tick", nil, &list)
		return err == nil && status == http.StatusOK && len(list) > 0
	})
	a := o.record(list[0].ActivationID)
	if string(a.Response.Result) != `{"got":"ping"}` || len(a.Logs) != 1 || !strings.HasSuffix(a.Logs[0], "stdout: dev.knative.sources.ping") {
		t.Errorf("%+v", a)
	}
}

// TestNoRecordOfTheWebIsLostWithTheServer kills it between requests that do not need it.
func TestNoRecordOfTheWebIsLostWithTheServer(t *testing.T) {
	o := serveOn(t, node()...)
	o.web("busy", `function main(a) { console.log('n', a.n); return {body: a.n} }`)
	host := o.host("busy")
	const calls, killed, back = 200, 60, 180
	ids := make([]string, calls)
	for n := range calls {
		switch n {
		case killed:
			o.server.Kill()
		case back:
			o.start()
		}
		res, err := corpus.Send(t.Context(), corpus.Sample{}, corpus.Request{Method: "GET"}, o.ingress+fmt.Sprintf("/busy.http?n=%d", n), map[string]string{"Host": host})
		if err != nil || res.Status != http.StatusOK || string(res.Body) != strconv.Itoa(n) {
			t.Fatalf("%d: %d %s, %v", n, res.Status, res.Body, err)
		}
		ids[n] = res.Header.Get("X-Openwhisk-Activation-Id")
	}
	for n, id := range ids {
		if a := o.record(id); len(a.Logs) != 1 || !strings.HasSuffix(a.Logs[0], fmt.Sprint("stdout: n ", n)) {
			t.Errorf("%d: %+v", n, a)
		}
	}
	var count struct{ Activations int }
	if _, err := o.call(t.Context(), http.MethodGet, "/activations?name=busy&count=true", nil, &count); err != nil || count.Activations != calls {
		t.Errorf("%d records, %v", count.Activations, err)
	}
}

func TestActionsCannotSpeakForThePlatform(t *testing.T) {
	o := serveOn(t, node()...)
	const code = `const fs = require('fs'), path = require('path');
function read(file) { try { return fs.readFileSync(file, 'latin1') } catch (e) { return e.code } }
function main() {
  const environ = fs.readdirSync('/proc').filter(p => /^\d+$/.test(p)).map(p => read('/proc/' + p + '/environ'));
  const files = fs.readdirSync('/etc/gowhisk').filter(f => !f.startsWith('..'));
  return {own: Object.keys(process.env).filter(k => /KEY|REPORT/.test(k)), found: environ.some(e => e.includes('GATEWAY')), files, closed: environ.includes('EACCES')};
}`
	o.do("action", "create", "spy", o.file("spy.js", code), "--kind", "nodejs:18")
	out := o.do("action", "invoke", "spy", "--result")
	o.says("environment", out, `"found": false`)
	o.says("the proxy", out, `"closed": true`)
	o.says("variables", out, `"own": []`)
	if strings.Contains(out, "gateway-key") {
		t.Errorf("the key lies in a file: %s", out)
	}
	o.says("files", out, filepath.Base("action.json"))
}
