package actionproxy_test

import (
	"testing"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
)

func TestARequestThatAnEndedActionHasNotReadIsGivenToItsSuccessor(t *testing.T) {
	const code = "import os, time\ndef main(a):\n  os.write(3, b'{\"ok\":1}\\n')\n  time.sleep(0.05)\n  os._exit(0)"
	s := knative(t, actionproxy.KnativeOptions{Runtime: supervised(t, "python", false), Action: baked(t, code, ""), Concurrency: 1})
	for range 4 {
		if r := s.send("POST", "/", `{"a":1}`, sendsJSON); r.status != 200 || r.body != `{"ok":1}` {
			t.Fatalf("got %d %s", r.status, r.body)
		}
	}
}
