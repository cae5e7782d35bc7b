package kafka

import (
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// Cluster is how a Kafka cluster is reached. Its JSON members are the
// parameters of the feed and of the action that produces.
type Cluster struct {
	Brokers  Brokers `json:"brokers"`
	User     string  `json:"user,omitempty"` // with Password: SASL PLAIN
	Password string  `json:"password,omitempty"`
	TLS      bool    `json:"tls,omitempty"`
}

// Brokers are addresses "host:port". They are read from an array or from a
// text with commas.
type Brokers []string

// UnmarshalJSON accepts both forms.
func (b *Brokers) UnmarshalJSON(data []byte) error {
	var list []string
	var text string
	switch {
	case json.Unmarshal(data, &list) == nil:
	case json.Unmarshal(data, &text) == nil:
		list = strings.Split(text, ",")
	default:
		return fmt.Errorf("brokers must be an array of strings 'host:port'")
	}
	*b = nil
	for _, address := range list {
		*b = append(*b, strings.TrimSpace(address))
	}
	return nil
}

// Source is what one trigger listens to.
type Source struct {
	Cluster
	Topic       string `json:"topic"`
	JSON        bool   `json:"isJSONData,omitempty"`    // values that are JSON become JSON
	BinaryKey   bool   `json:"isBinaryKey,omitempty"`   // keys become base64
	BinaryValue bool   `json:"isBinaryValue,omitempty"` // values become base64
}

const (
	maxBrokers = 100
	maxTopic   = 249 // Kafka's own bound
)

// ParseSource reads the parameters of the feed; members that it does not know
// are ignored. Its errors are for the user.
func ParseSource(params json.RawMessage) (Source, error) {
	var s Source
	if err := json.Unmarshal(params, &s); err != nil {
		return s, userError(err)
	}
	if err := s.Cluster.check(); err != nil {
		return s, err
	}
	if s.JSON && s.BinaryValue {
		return s, fmt.Errorf("isJSONData and isBinaryValue cannot both be enabled")
	}
	return s, checkTopic(s.Topic)
}

func (c *Cluster) check() error {
	if len(c.Brokers) == 0 {
		return fmt.Errorf("you must supply a 'brokers' parameter, an array of 'host:port'")
	}
	if len(c.Brokers) > maxBrokers {
		return fmt.Errorf("%d brokers are more than %d", len(c.Brokers), maxBrokers)
	}
	for _, address := range c.Brokers {
		host, port, err := net.SplitHostPort(address)
		n, portErr := strconv.ParseUint(port, 10, 16)
		if err != nil || portErr != nil || host == "" || n == 0 {
			return fmt.Errorf("the broker '%s' is not 'host:port'", address)
		}
	}
	if (c.User == "") != (c.Password == "") {
		return fmt.Errorf("a 'user' needs a 'password' and the reverse")
	}
	return nil
}

func checkTopic(topic string) error {
	if topic == "" {
		return fmt.Errorf("you must supply a 'topic' parameter")
	}
	legal := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '.' || r == '_' || r == '-'
	}
	if len(topic) > maxTopic || topic == "." || topic == ".." || strings.ContainsFunc(topic, func(r rune) bool { return !legal(r) }) {
		return fmt.Errorf("'%s' is not the name of a topic", topic)
	}
	return nil
}

// userError says which parameter has the wrong type.
func userError(err error) error {
	if wrong, ok := err.(*json.UnmarshalTypeError); ok { //nolint:errorlint // it is never wrapped
		return fmt.Errorf("the parameter '%s' must be a %s, not a %s", wrong.Field, wrong.Type, wrong.Value)
	}
	return err
}
