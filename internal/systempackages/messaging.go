package systempackages

import "github.com/gowhisk/gowhisk/internal/entity"

// Messaging is the package that listens to Kafka and sends to it. Its actions
// run in the server under the names messaging/kafkaFeed and so on. OpenWhisk
// 5.5.1.
func Messaging() Package {
	const cluster = `{"name":"brokers","required":true,"description":"Array of Kafka brokers, each host:port"},` +
		`{"name":"user","required":false,"description":"User of SASL PLAIN"},` +
		`{"name":"password","required":false,"description":"Password of SASL PLAIN"},` +
		`{"name":"tls","required":false,"description":"true: encrypt the connections"}`
	const topic = `{"name":"topic","required":true,"description":"Topic of the messages"}`
	feed := builtinFeed("messaging/", "kafkaFeed", "Fire trigger when messages are posted to a Kafka topic",
		`[`+cluster+`,`+topic+`,`+
			`{"name":"isJSONData","required":false,"description":"true: values that are JSON are passed on as JSON"},`+
			`{"name":"isBinaryKey","required":false,"description":"true: keys are passed on in base64"},`+
			`{"name":"isBinaryValue","required":false,"description":"true: values are passed on in base64"}]`,
		`{"brokers":["127.0.0.1:9092"],"topic":"mytopic","isJSONData":true}`)
	produce := Action{
		Name: "kafkaProduce", Exec: entity.Exec{Kind: entity.KindBuiltin, Main: "messaging/kafkaProduce"},
		Annotations: describe("Send a message to a Kafka topic").
			Set("parameters", `[`+cluster+`,`+topic+`,{"name":"value","required":true,"description":"The message; what is no string is sent as JSON"},`+
				`{"name":"key","required":false,"description":"Its key"},`+
				`{"name":"base64DecodeValue","required":false,"description":"true: the value is base64 of what is sent"},`+
				`{"name":"base64DecodeKey","required":false,"description":"true: the key is base64 of what is sent"}]`).
			Set("sampleInput", `{"brokers":["127.0.0.1:9092"],"topic":"mytopic","value":"Hello"}`).
			Set("sampleOutput", `{"partition":0,"offset":17}`),
	}
	return Package{
		Name: "messaging", Version: entity.Version{Major: 1}, Publish: true,
		Annotations: describe("Listens to Kafka and sends messages to it"),
		Actions:     []Action{feed, produce},
	}
}
