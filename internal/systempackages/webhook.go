package systempackages

import "github.com/gowhisk/gowhisk/internal/entity"

// Webhook is the package of the feed that any sender of signed requests can
// fire. Its action runs in the server under the name webhook/receive.
func Webhook() Package {
	return Package{
		Name: "webhook", Version: entity.Version{Major: 1}, Publish: true,
		Annotations: describe("URLs that fire triggers"),
		Actions: []Action{
			builtinFeed("webhook/", "receive", "Fire trigger when a signed request comes in at a URL that CREATE answers",
				`[{"name":"secret","required":false,"description":"Secret shared with the sender, at least 16 characters; made if not set"},`+
					`{"name":"rotateSecret","required":false,"description":"With UPDATE: true makes a new secret"}]`,
				`{}`).answers(`{"status":"success","url":"https://APIHOST/webhooks/ID","secret":"whsec_BASE64"}`),
		},
	}
}

// GitHub is the package of the feed that GitHub can fire. Its action runs in
// the server under the name github/webhook. OpenWhisk 5.5.1.
func GitHub() Package {
	return Package{
		Name: "github", Version: entity.Version{Major: 1}, Publish: true,
		Annotations: describe("Package which contains actions and feeds to interact with Github"),
		Actions: []Action{
			builtinFeed("github/", "webhook", "Fire trigger when GitHub tells of a change, at a URL that CREATE answers",
				`[{"name":"events","required":true,"description":"A comma-separated list of GitHub's events, or *"},`+
					`{"name":"repository","required":false,"bindTime":true,"description":"The one repository that may fire, as OWNER/NAME, or NAME of username"},`+
					`{"name":"username","required":false,"bindTime":true,"description":"Owner of a repository that is given by NAME"},`+
					`{"name":"accessToken","required":false,"bindTime":true,"description":"Neither used nor kept: add the webhook at GitHub yourself"},`+
					`{"name":"secret","required":false,"description":"Secret of the webhook, at least 16 characters; made if not set"},`+
					`{"name":"rotateSecret","required":false,"description":"With UPDATE: true makes a new secret"}]`,
				`{"events":"push,delete,pull-request","repository":"myOrganization/myRepository"}`,
			).answers(`{"status":"success","url":"https://APIHOST/webhooks/ID","secret":"SECRET"}`),
		},
	}
}

// answers adds what a call of the action answers.
func (a Action) answers(sampleOutput string) Action {
	a.Annotations = a.Annotations.Set("sampleOutput", sampleOutput)
	return a
}
