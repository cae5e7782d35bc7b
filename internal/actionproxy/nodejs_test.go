package actionproxy_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/protocol"
)

func TestNodeEntryPoints(t *testing.T) {
	for _, tc := range []struct{ name, main, code string }{
		{"function declaration", "main", `function main(p) { return {got: p.a}; }`},
		{"arrow function", "main", `const main = (p) => ({got: p.a});`},
		{"async function", "main", `async function main(p) { return {got: p.a}; }`},
		{"another name", "niam", `function niam(p) { return {got: p.a}; }`},
		{"exports.main", "main", `exports.main = (p) => ({got: p.a})`},
		{"module.exports", "main", `module.exports = {main(p) { return {got: p.a}; }}`},
		{"dotted, local", "api.deep.run", `const api = {deep: {run: (p) => ({got: p.a})}}`},
		{"dotted, exported", "api.run", `exports.api = {k: 1, run(p) { return {got: this.k && p.a}; }}`},
		{"strict mode", "main", `'use strict'; function main(p) { return {got: p.a}; }`},
		{"comment at the end", "main", `function main(p) { return {got: p.a}; } // done`},
		{"promise", "main", `function main(p) { return new Promise((ok) => setTimeout(() => ok({got: p.a}), 1)); }`},
		{"thenable", "main", `function main(p) { return {then(ok) { ok({got: p.a}); }}; }`},
		{"ES module", "main", `import os from 'node:os'; export function main(p) { return {got: os && p.a}; }`},
		{"ES module with default export", "main", `export default (p) => ({got: p.a})`},
		{"top-level await", "main", `const k = await 1; export const main = (p) => ({got: k && p.a})`},
		{"require", "main", `const u = require('util'); function main(p) { return {got: u.inspect && p.a}; }`},
		{"dynamic import", "main", `async function main(p) { const u = await import('node:util'); return {got: u.inspect && p.a}; }`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := launch(t, "nodejs")
			initialize(t, c, &protocol.Init{Main: tc.main, Code: tc.code})
			want(t, run(t, c, `{"a":"x"}`), 200, `{"got":"x"}`)
			want(t, run(t, c, `{"a":"é\ud83d\ude00"}`), 200, `{"got":"é😀"}`)
		})
	}
}

func TestNodeDirectories(t *testing.T) {
	const fn = `exports.main = (p) => ({got: p.a, cwd: process.cwd() === __dirname})`
	for _, tc := range []struct {
		name, main string
		files      map[string]string
		want       string
	}{
		{"index.js", "main", map[string]string{"index.js": fn}, `{"got":1,"cwd":true}`},
		{"package.json with main", "main", map[string]string{"package.json": `{"main":"lib.js"}`, "lib.js": fn}, `{"got":1,"cwd":true}`},
		{"own modules", "main", map[string]string{"index.js": `exports.main = require('dep').f`, "node_modules/dep/index.js": `exports.f = (p) => ({got: p.a})`}, `{"got":1}`},
		{"type module", "main", map[string]string{"package.json": `{"type":"module","main":"index.js"}`, "index.js": `export const main = (p) => ({got: p.a})`}, `{"got":1}`},
		{"type module with await", "main", map[string]string{"package.json": `{"type":"module"}`, "index.js": `const k = await 1; export const main = (p) => ({got: k && p.a})`}, `{"got":1}`},
		{"index.mjs", "main", map[string]string{"index.mjs": `export const main = (p) => ({got: p.a})`}, `{"got":1}`},
		{"file in main", "other.run", map[string]string{"other.js": `exports.run = (p) => ({got: p.a})`}, `{"got":1}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := launch(t, "nodejs")
			initialize(t, c, &protocol.Init{Main: tc.main, Dir: folder(t, tc.files)})
			want(t, run(t, c, `{"a":1}`), 200, tc.want)
		})
	}
}

func TestNodeInitFailures(t *testing.T) {
	for _, tc := range []struct {
		name string
		init protocol.Init
		want string
		code int
	}{
		{"no code", protocol.Init{Main: "main"}, "Missing main/no code to execute.", 403},
		{"no main", protocol.Init{Code: "x"}, "Missing main/no code to execute.", 403},
		{"syntax error", protocol.Init{Main: "main", Code: "function main( {"}, "Initialization has failed due to: ", 502},
		{"throws", protocol.Init{Main: "main", Code: "throw new Error('boom')"}, "Initialization has failed due to: Error: boom\n", 502},
		{"no such entry point", protocol.Init{Main: "niam", Code: "function main() {}"}, "Action entrypoint 'niam' is not a function.", 502},
		{"no file to start from", protocol.Init{Main: "main", Dir: "/etc"}, "Zipped actions must contain either package.json or index.js at the root.", 502},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := launch(t, "nodejs")
			got, err := c.Init(bounded(t), &tc.init)
			if err != nil {
				t.Fatal(err)
			}
			var body struct{ Error string }
			if err := json.Unmarshal(got.Body, &body); err != nil || got.Status != tc.code || !strings.Contains(body.Error, tc.want) {
				t.Errorf("got %d %s, %v", got.Status, got.Body, err)
			}
			initialize(t, c, &protocol.Init{Main: "main", Code: "function main() { return {ok: 1}; }"})
			want(t, run(t, c, `{}`), 200, `{"ok":1}`)
		})
	}
}

func TestNodeResults(t *testing.T) {
	for _, tc := range []struct {
		name, code string
		status     int
		body       string
	}{
		{"undefined", `function main() {}`, 200, `{}`},
		{"promise of undefined", `async function main() {}`, 200, `{}`},
		{"array", `function main() { return [1, {a: 2}]; }`, 200, `[1,{"a":2}]`},
		{"null passes", `function main() { return null; }`, 200, `null`},
		{"string", `function main() { return 'x'; }`, 502, `{"error":"The action did not return a dictionary."}`},
		{"number", `async function main() { return 1; }`, 502, `{"error":"The action did not return a dictionary."}`},
		{"function", `function main() { return main; }`, 502, `{"error":"The action did not return a dictionary."}`},
		{"error object is a result", `function main() { return {error: 1}; }`, 200, `{"error":1}`},
		{"rejected with text", `function main() { return Promise.reject('no'); }`, 200, `{"error":"no"}`},
		{"rejected with nothing", `function main() { return Promise.reject(); }`, 200, `{"error":{}}`},
		{"rejected with an object", `function main() { return Promise.reject({a: {b: 1}}); }`, 200, `{"error":{"a":{"b":1}}}`},
		{"rejected with a circle", `function main() { const o = {}; o.o = o; return Promise.reject(o); }`, 200, `{"error":{"o":"[Circular]"}}`},
		{"circular result", `function main() { const o = {}; o.o = o; return o; }`, 502, ``},
		{"lone surrogate", `function main() { return {a: '\ud800'}; }`, 200, `{"a":"\ud800"}`},
		{"NaN", `function main() { return {a: NaN}; }`, 200, `{"a":null}`},
		{"line feed", `function main() { return {a: '\n'}; }`, 200, `{"a":"\n"}`},
		{"deep", `function main() { let o = []; for (let i = 0; i < 1e5; i++) o = [o]; return o; }`, 502, ``},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := run(t, action(t, "nodejs", tc.code), `{}`)
			if tc.body == "" {
				tc.body = string(got.Body)
			}
			want(t, got, tc.status, tc.body)
		})
	}
}

func TestNodeRejectionWithAnErrorCarriesItsParts(t *testing.T) {
	c := action(t, "nodejs", `async function main() { const e = new TypeError('bad'); e.code = 'E1'; e.extra = 1; throw e; }`)
	var body struct {
		Error struct {
			Name, Message, Stack, Code string
			Extra                      int
		}
	}
	got := run(t, c, `{}`)
	if err := json.Unmarshal(got.Body, &body); err != nil || got.Status != 200 {
		t.Fatalf("%d %v", got.Status, err)
	}
	e := body.Error
	if e.Name != "TypeError" || e.Message != "bad" || e.Code != "E1" || e.Extra != 1 || !strings.Contains(e.Stack, "at main") {
		t.Errorf("got %s", got.Body)
	}
	if again := run(t, c, `{}`); again.Status != 200 {
		t.Errorf("next run: %d", again.Status)
	}
}

func TestNodeThrowStopsTheContainer(t *testing.T) {
	c := action(t, "nodejs", `function main() { throw new Error('msg'); }`)
	want(t, run(t, c, `{}`), 502, `{"error":"An error has occurred: Error: msg"}`)
	if logs := texts(c.TakeLogs()); !strings.Contains(logs, "stderr:     at main") {
		t.Errorf("no stack in the logs:\n%s", logs)
	}
	want(t, run(t, c, `{}`), 403, `{"error":"System not ready, status is stopped."}`)
}

func TestNodeCodeThatEndsTheProcess(t *testing.T) {
	for name, code := range map[string]string{
		"exit":                 `function main() { process.exit(0); }`,
		"unhandled rejection":  `function main() { Promise.reject(new Error('x')); return new Promise(() => {}); }`,
		"exception in a timer": `function main() { setTimeout(() => { throw new Error('x'); }); return new Promise(() => {}); }`,
		"abort":                `function main() { process.abort(); }`,
		"closes its answers":   `function main() { require('fs').closeSync(3); return {}; }`,
	} {
		t.Run(name, func(t *testing.T) {
			c := action(t, "nodejs", code)
			if got, err := c.Run(bounded(t), request(`{}`)); !errors.Is(err, actionproxy.ErrExited) {
				t.Errorf("got %d %s, %v", got.Status, got.Body, err)
			}
		})
	}
}

func TestNodeExitDuringInit(t *testing.T) {
	c := launch(t, "nodejs")
	if _, err := c.Init(bounded(t), &protocol.Init{Main: "main", Code: `process.exit(1)`}); !errors.Is(err, actionproxy.ErrExited) {
		t.Errorf("got %v", err)
	}
}

func TestNodeArgumentsAndEnvironment(t *testing.T) {
	c := launch(t, "nodejs")
	initialize(t, c, &protocol.Init{Main: "main", Env: protocol.Env{"A": "b=c", "EMPTY": ""},
		Code: `const at = process.env.A; function main(p) { return {p, at, empty: process.env.EMPTY, id: process.env.__OW_ACTIVATION_ID, d: process.env.__OW_DEADLINE, n: process.env.__OW_NUMBER}; }`})
	for _, body := range []string{`{"number":1,"activation_id":"i1","deadline":"5"}`, `{"value":null,"activation_id":"i1","deadline":"5"}`} {
		got, err := c.Forward(bounded(t), "i1", []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		want(t, got, 200, `{"p":{},"at":"b=c","empty":"","id":"i1","d":"5"}`)
	}
	got, err := c.Forward(bounded(t), "", []byte(`{"value":"text"}`))
	if err != nil {
		t.Fatal(err)
	}
	want(t, got, 403, `{"error":"The action did not receive a dictionary or array as an argument."}`)
}

func TestNodeEnvironmentIsThatOfTheRunHoweverOneLooks(t *testing.T) {
	c := action(t, "nodejs", `const key = '__OW_ACTIVATION_ID', early = process.env;
		const looks = [
			() => process.env[key], () => early[key], () => ({...process.env})[key], () => Object.entries(early).find(([k]) => k === key)[1],
			() => key in process.env && process.env[key], () => Object.getOwnPropertyDescriptor(process.env, key).value,
			() => JSON.parse(JSON.stringify(process.env))[key],
			() => require('child_process').execFileSync('/bin/sh', ['-c', 'echo $'+key]).toString().trim(),
			() => { const id = process.env[key]; process.env[key] = 'mine'; return process.env[key] === 'mine' ? id : 'not set'; },
			() => { const id = process.env[key]; delete process.env[key]; return key in process.env ? 'not deleted' : id; },
			() => process.env[key],
		];
		function main({n}) { return n < looks.length ? {id: looks[n]()} : {}; }`)
	for n := 0; ; n++ {
		id := fmt.Sprint("id", n)
		got, err := c.Forward(bounded(t), id, fmt.Appendf(nil, `{"value":{"n":%d},"activation_id":"%s"}`, n, id))
		if err != nil {
			t.Fatal(err)
		}
		if string(got.Body) == `{}` && n > 0 {
			return
		}
		want(t, got, 200, `{"id":"`+id+`"}`)
	}
}

func TestNodeConcurrentRunsOverlap(t *testing.T) {
	c := launch(t, "nodejs")
	initialize(t, c, &protocol.Init{Main: "main", Env: protocol.Env{protocol.EnvAllowConcurrent: "true"},
		Code: `let waiting; function main(p) { return new Promise((ok) => { if (!waiting) { waiting = () => ok({first: p.n}); return; } waiting(); ok({second: p.n}); }); }`})
	bodies := make(chan string, 2)
	for _, id := range []string{"1", "2"} {
		go func() {
			req := request(`{"n":` + id + `}`)
			req.ActivationID = id
			got, err := c.Run(t.Context(), req)
			if err != nil {
				t.Error(err)
			}
			bodies <- string(got.Body)
		}()
	}
	both := <-bodies + <-bodies
	if !strings.Contains(both, "first") || !strings.Contains(both, "second") {
		t.Errorf("got %s", both)
	}
}

func TestNodeConcurrentRunsHaveTheirOwnLogs(t *testing.T) {
	c := launch(t, "nodejs")
	initialize(t, c, &protocol.Init{Main: "main", Env: protocol.Env{protocol.EnvAllowConcurrent: "true"},
		Code: `console.log('init'); const all = [];
		async function main(p) {
			for (let i = 0; i < 3; i++) { console.log(p.id, 'out', i); console.error(p.id, 'err', i); await new Promise((ok) => { all.push(ok); if (all.length === 5) all.splice(0).forEach((f) => f()); }); }
			process.stdout.write(Buffer.from(p.id + ' long ' + '😀'.repeat(9000))); return {};
		}`})
	if logs := texts(c.TakeLogs()); logs != "stdout: init" {
		t.Errorf("logs of the init: %q", logs)
	}
	logs := make(chan string)
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		go func() {
			req := request(`{"id":"` + id + `"}`)
			req.ActivationID = id
			if _, err := c.Run(t.Context(), req); err != nil {
				t.Error(err)
			}
			got := texts(c.TakeLogsOf(id))
			if strings.Count(got, ": "+id+" ") != 7 || strings.Count(got, "\n") != 6 || !strings.Contains(got, id+" long "+strings.Repeat("😀", 9000)) {
				t.Errorf("%s: %.500q", id, got)
			}
			logs <- got
		}()
	}
	for range 5 {
		<-logs
	}
}

func TestNodeChildProcessesDoNotInheritTheAnswers(t *testing.T) {
	c := action(t, "nodejs", `function main() {
		const out = require('child_process').execFileSync('/bin/sh', ['-c', 'ls -l /proc/self/fd; cat'], {encoding: 'utf8', stdio: ['pipe', 'pipe', 'inherit']});
		return {leaked: / 3 -> pipe/.test(out)}; }`)
	want(t, run(t, c, `{}`), 200, `{"leaked":false}`)
}

func TestNodeStandardInputIsEmpty(t *testing.T) {
	c := action(t, "nodejs", `async function main() { let n = 0; for await (const c of process.stdin) n += c.length; return {n}; }`)
	want(t, run(t, c, `{}`), 200, `{"n":0}`)
	want(t, run(t, c, `{}`), 200, `{"n":0}`)
}

func TestNodeLogsBelongToTheirRun(t *testing.T) {
	c := action(t, "nodejs", `console.log('init'); let n = 0; function main() { n++; console.log('out', n); console.error('err', n); process.stdout.write('tail'); return {}; }`)
	for _, expect := range []string{"stdout: init\nstdout: out 1\nstderr: err 1\nstdout: tail", "stdout: out 2\nstderr: err 2\nstdout: tail"} {
		run(t, c, `{}`)
		got := strings.Split(texts(c.TakeLogs()), "\n")
		for _, line := range strings.Split(expect, "\n") {
			if !strings.Contains(strings.Join(got, "\n"), line) {
				t.Errorf("got %q, want %q", got, line)
			}
		}
		if len(got) != strings.Count(expect, "\n")+1 {
			t.Errorf("got %q", got)
		}
	}
}

func TestNodeFindsModulesInAConfiguredPlace(t *testing.T) {
	dir := folder(t, map[string]string{"openwhisk/index.js": `module.exports = () => 'client'`})
	c := launch(t, "nodejs", "NODE_PATH="+dir)
	initialize(t, c, &protocol.Init{Main: "main", Code: `const ow = require('openwhisk'); function main() { return {ow: ow()}; }`})
	want(t, run(t, c, `{}`), 200, `{"ow":"client"}`)
	c = launch(t, "nodejs")
	initialize(t, c, &protocol.Init{Main: "main", Env: protocol.Env{"NODE_PATH": dir}, Code: `exports.main = () => ({ow: require('openwhisk')()})`})
	want(t, run(t, c, `{}`), 200, `{"ow":"client"}`)
}

func TestNodeTakesHugeLines(t *testing.T) {
	c := action(t, "nodejs", `function main(p) { return {n: p.a.length}; }`)
	want(t, run(t, c, `{"a":`+quote(strings.Repeat("x", 30<<20))+`}`), 200, `{"n":31457280}`)
	want(t, run(t, c, `{"a":`+quote(strings.Repeat("é", 1048561))+`}`), 200, `{"n":1048561}`)
	want(t, run(t, c, `{"a":"`+strings.Repeat(" ", 65530)+`"}`), 200, `{"n":65530}`)
}

func TestNodeHugeCode(t *testing.T) {
	c := action(t, "nodejs", `function main() { return {n: s.length}; } const s = `+quote(strings.Repeat("y", 10<<20)))
	want(t, run(t, c, `{}`), 200, `{"n":10485760}`)
}
