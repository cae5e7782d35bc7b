package systempackages

import "github.com/gowhisk/gowhisk/internal/entity"

// Alarms is the package of feeds that fire by time. Its actions run in the
// server under the names alarms/alarm and so on. OpenWhisk 5.5.1.
func Alarms() Package {
	const payload = `{"name":"trigger_payload","required":false,"description":"What the trigger is fired with, an object or a string"}`
	const catchup = `{"name":"catchup","required":false,"description":"What becomes of times that are missed: none (default), once, all"}`
	const dates = `{"name":"startDate","required":false,"description":"First possible time, in milliseconds or ISO 8601"},` +
		`{"name":"stopDate","required":false,"description":"Last possible time, in milliseconds or ISO 8601"}`
	const maxTriggers = `{"name":"maxTriggers","required":false,"description":"How often to fire at most"}`
	return Package{
		Name: "alarms", Version: entity.Version{Major: 1}, Publish: true,
		Annotations: describe("Alarms and periodic utility").Set("parameters", `[{"name":"trigger_payload","required":false}]`),
		Parameters:  entity.Parameters{}.Set("trigger_payload", `""`),
		Actions: []Action{
			builtinFeed("alarms/", "alarm", "Fire trigger when alarm occurs",
				`[{"name":"cron","required":true,"description":"Five fields of crontab, or six with seconds in front"},`+
					`{"name":"timezone","required":false,"description":"Time zone of cron, such as Europe/Berlin; UTC if not set"},`+
					payload+`,`+dates+`,`+maxTriggers+`,`+
					`{"name":"strict","required":false,"description":"false: some seconds after the full minute, always the same"},`+catchup+`]`,
				`{"cron":"0 9 * * 1-5","timezone":"Europe/Berlin","trigger_payload":{"name":"Odin","place":"Asgard"}}`),
			builtinFeed("alarms/", "interval", "Fire trigger at specified interval",
				`[{"name":"minutes","required":true,"description":"Minutes from fire to fire"},`+payload+`,`+dates+`,`+maxTriggers+`,`+catchup+`]`,
				`{"minutes":2,"trigger_payload":{"name":"Odin","place":"Asgard"}}`),
			builtinFeed("alarms/", "once", "Fire trigger once when alarm occurs",
				`[{"name":"date","required":true,"description":"When, in milliseconds since 1970 or ISO 8601"},`+payload+`,`+
					`{"name":"deleteAfterFire","required":false,"description":"false (default), true for the trigger, rules for its rules, too"},`+catchup+`]`,
				`{"date":"2030-12-25T12:30:00.000Z","deleteAfterFire":"rules"}`),
		},
	}
}

// builtinFeed is a feed action that the server runs.
func builtinFeed(function, name, description, parameters, sampleInput string) Action {
	return Action{
		Name: name, Exec: entity.Exec{Kind: entity.KindBuiltin, Main: function + name},
		Annotations: describe(description).Set(entity.AnnotationFeed, "true").
			Set("parameters", parameters).Set("sampleInput", sampleInput),
	}
}
