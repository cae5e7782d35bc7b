package kafka

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Message is one message to send. Its JSON members are the parameters of the
// action kafkaProduce.
type Message struct {
	Cluster
	Topic       string          `json:"topic"`
	Key         string          `json:"key,omitempty"`
	Value       json.RawMessage `json:"value"` // a string is sent as it is, other JSON as JSON
	DecodeKey   bool            `json:"base64DecodeKey,omitempty"`
	DecodeValue bool            `json:"base64DecodeValue,omitempty"`
}

// Produce sends the message that params describe and returns where it lies
// then. Its errors are for the user.
func Produce(ctx context.Context, params json.RawMessage, allow Allow) (partition int32, offset int64, err error) {
	m, record, err := parseMessage(params)
	if err != nil {
		return 0, 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	client, err := m.connect(ctx, allow, kgo.RecordDeliveryTimeout(requestTime))
	if err != nil {
		return 0, 0, err
	}
	defer client.Close()
	sent, err := client.ProduceSync(ctx, record).First()
	if err != nil {
		return 0, 0, fmt.Errorf("send to the topic '%s': %w", m.Topic, err)
	}
	return sent.Partition, sent.Offset, nil
}

func parseMessage(params json.RawMessage) (m Message, r *kgo.Record, err error) {
	if err := json.Unmarshal(params, &m); err != nil {
		return m, nil, userError(err)
	}
	if err := m.check(); err != nil {
		return m, nil, err
	}
	if err := checkTopic(m.Topic); err != nil {
		return m, nil, err
	}
	if len(m.Value) == 0 {
		return m, nil, fmt.Errorf("you must supply a 'value' parameter")
	}
	r = &kgo.Record{Topic: m.Topic, Value: m.Value}
	var s string
	if json.Unmarshal(m.Value, &s) == nil && m.Value[0] == '"' {
		r.Value = []byte(s)
	}
	if m.DecodeValue {
		if r.Value, err = base64.StdEncoding.DecodeString(s); err != nil {
			return m, nil, fmt.Errorf("value parameter is not base64 encoded")
		}
	}
	if m.Key != "" {
		r.Key = []byte(m.Key)
	}
	if m.DecodeKey {
		if r.Key, err = base64.StdEncoding.DecodeString(m.Key); err != nil {
			return m, nil, fmt.Errorf("key parameter is not base64 encoded")
		}
	}
	return m, r, nil
}
