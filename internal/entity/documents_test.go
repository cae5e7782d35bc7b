package entity_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// TestDocumentsOfPackagesTriggersAndRules compares the whole text: clients
// read every member of it. OpenWhisk 1.9.10, 5.1.2, 5.2.6, 5.3.3.
func TestDocumentsOfPackagesTriggersAndRules(t *testing.T) {
	at := time.UnixMilli(1_700_000_000_000)
	name := entity.Name{Namespace: "guest", Name: "it"}
	action := entity.Name{Namespace: "guest", Package: "tools", Name: "run"}
	some := entity.Parameters{}.Set("k", "1")
	pkg := &entity.Package{Name: name, Version: entity.FirstVersion, Publish: true, Parameters: some, Updated: at}
	binding := &entity.Package{Name: name, Version: entity.FirstVersion, Binding: entity.Name{Namespace: "other", Name: "tools"}, Updated: at}
	trigger := &entity.Trigger{Name: name, Version: entity.FirstVersion, Parameters: some, Updated: at}
	linked := &entity.Trigger{
		Name: name, Version: entity.FirstVersion, Updated: at, Linked: true,
		Rules: []entity.Link{{Rule: entity.Name{Namespace: "guest", Name: "r"}, Action: action, Active: true}},
	}
	unlinked := &entity.Trigger{Name: name, Version: entity.FirstVersion, Updated: at, Linked: true}
	rule := &entity.Rule{Name: name, Version: entity.FirstVersion, Trigger: entity.Name{Namespace: "guest", Name: "t"}, Action: action, Updated: at}

	const head = `{"namespace":"guest","name":"it","version":"0.0.1",`
	const end = `"updated":1700000000000}`
	for _, row := range []struct {
		document any
		want     string
	}{
		{pkg, head + `"publish":true,"annotations":[],"parameters":[{"key":"k","value":1}],"binding":{},` + end},
		{pkg.Summary(), head + `"publish":true,"annotations":[],"binding":false,` + end},
		{binding, head + `"publish":false,"annotations":[],"parameters":[],"binding":{"name":"tools","namespace":"other"},` + end},
		{binding.Summary(), head + `"publish":false,"annotations":[],"binding":{"name":"tools","namespace":"other"},` + end},
		{trigger, head + `"publish":false,"annotations":[],"parameters":[{"key":"k","value":1}],"limits":{},` + end},
		{trigger.Summary(), head + `"publish":false,"annotations":[],` + end},
		{linked, head + `"publish":false,"annotations":[],"parameters":[],"limits":{},"rules":{"guest/r":{"action":{"name":"run","path":"guest/tools"},"status":"active"}},` + end},
		{unlinked, head + `"publish":false,"annotations":[],"parameters":[],"limits":{},"rules":{},` + end},
		{rule.Document(true), head + `"publish":false,"annotations":[],"trigger":{"name":"t","path":"guest"},"action":{"name":"run","path":"guest/tools"},"status":"active",` + end},
		{rule.Summary(), head + `"publish":false,"annotations":[],"trigger":{"name":"t","path":"guest"},"action":{"name":"run","path":"guest/tools"},` + end},
	} {
		got, err := json.Marshal(row.document)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != row.want {
			t.Errorf("got  %s\nwant %s", got, row.want)
		}
	}
}
