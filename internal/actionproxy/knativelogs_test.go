package actionproxy_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
)

func TestLogsOfAnInitAreThoseOfTheActivationThatMetIt(t *testing.T) {
	for name, row := range map[string]struct {
		code string
		want []string
	}{
		"succeeds": {`console.log('init'); function main() { console.log('run'); return {} }`, []string{"init", "run"}},
		"fails":    {`console.log('init'); throw new Error('no')`, []string{"init"}},
	} {
		s := knative(t, actionproxy.KnativeOptions{Runtime: supervised(t, "nodejs", false), Action: baked(t, row.code, exported), GatewayKey: "k", Node: true})
		got := s.send("POST", "/", `{}`, "Authorization: Bearer k", "Accept: "+actionproxy.ActivationMediaType)
		var a actionproxy.ActivationAnswer
		if err := json.Unmarshal([]byte(got.body), &a); err != nil {
			t.Fatalf("%v: %s", err, got.body)
		}
		var texts []string
		for _, line := range a.Logs {
			if _, text, ok := strings.Cut(line, " stdout: "); ok {
				texts = append(texts, text)
			}
		}
		if strings.Join(texts, " ") != strings.Join(row.want, " ") {
			t.Errorf("%s: logs are %q", name, a.Logs)
		}
	}
}
