package e2e

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// nested calls an action as its user.
const nested = `async function main(a) {
  const res = await fetch(process.env.__OW_API_HOST + '/api/v1/namespaces/' + process.env.__OW_NAMESPACE + '/actions/' + a.call + '?blocking=true&result=true', {
    method: 'POST', body: JSON.stringify({n: a.n}),
    headers: {'Content-Type': 'application/json', Authorization: 'Basic ' + Buffer.from(process.env.__OW_API_KEY).toString('base64')},
  })
  return {nested: await res.json()}
}`

func TestActionsOnAClusterCallEachOtherInAllWays(t *testing.T) {
	t.Parallel()
	registry := os.Getenv("REGISTRY")
	o := serveOn(t, "--knative-registry", registry+"/e2e-actions", "--knative-images", "nodejs:18="+registry+"/node:0")
	create := func(name, code string, more ...string) {
		t.Helper()
		o.do(append([]string{"action", "create", name, o.file("a.js", code), "--kind", "nodejs:18"}, more...)...)
	}
	o.do("package", "create", "lib", "-p", "by", "3")
	create("lib/times", `function main(a) { return {n: a.n * a.by, step: a.step} }`, "-p", "step", `"own"`)
	o.do("package", "bind", "/guest/lib", "five", "-p", "by", "5")
	create("nested", nested, "-a", "provide-api-key", "true", "-p", "call", "five/times")
	o.do("action", "create", "chain", "--sequence", "lib/times,five/times,nested")
	create("conductor", `function main(a) { return a.at ? {params: {n: a.n, done: a.at}} : {action: 'five/times', params: {n: a.n}, state: {at: 'end'}} }`, "-a", "conductor", "true")
	for _, row := range []struct{ action, want string }{
		{"lib/times", `{"n":6,"step":"own"}`},
		{"five/times", `{"n":10,"step":"own"}`},
		{"nested", `{"nested":{"n":10,"step":"own"}}`},
		{"chain", `{"nested":{"n":150,"step":"own"}}`},
		{"conductor", `{"done":"end","n":10}`},
	} {
		got := o.invoke(row.action, map[string]any{"n": 2})
		var result any
		if err := json.Unmarshal(got.Response.Result, &result); err != nil {
			t.Errorf("%s: %v", row.action, err)
		}
		if text, _ := json.Marshal(result); string(text) != row.want {
			t.Errorf("%s: %s %s, want %s", row.action, got.Response.Status, text, row.want)
		}
	}
}

func TestLogsOfAnInitOnAClusterAreTheActivations(t *testing.T) {
	t.Parallel()
	registry := os.Getenv("REGISTRY")
	o := serveOn(t, "--knative-registry", registry+"/e2e-actions", "--knative-images", "nodejs:18="+registry+"/node:0")
	for name, code := range map[string]string{
		"begins": "console.log('at the init')\nfunction main() { console.log('at the run'); return {} }",
		"breaks": "console.log('at the init')\nthrow new Error('no')",
	} {
		o.do("action", "create", name, o.file(name+".js", code), "--kind", "nodejs:18")
		logs := strings.Join(o.record(o.invoke(name, map[string]any{}).ActivationID).Logs, "\n")
		o.says(name, logs, "stdout: at the init")
		if name == "begins" {
			o.says(name, logs, "stdout: at the run")
		}
	}
}
