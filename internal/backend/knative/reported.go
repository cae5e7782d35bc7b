package knative

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"strings"
	"time"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoker"
)

// Ran is an activation that a pod ran without being asked by us: a request to the web host of its
// action, or an event. The message lacks the identity, which is that of Namespace.
type Ran struct {
	Namespace string
	Message   invoker.Message
	Result    invoker.Result
}

// speaker is how a pod says whose it is: it has got these words from us.
type speaker struct {
	Service   string        `json:"service"`
	Tag       string        `json:"tag"`
	Action    string        `json:"action"` // these three as in the annotations
	Namespace string        `json:"namespace"`
	Binding   string        `json:"binding,omitempty"`
	Version   string        `json:"version"`
	Kind      string        `json:"kind"`
	Main      string        `json:"main,omitempty"`
	Limits    entity.Limits `json:"limits"`
}

// speaker is that of the pods of a version.
func (m manifest) speaker() speaker {
	a := m.action
	s := speaker{
		Service: m.service, Tag: m.tag, Action: "/" + a.Name.String(), Namespace: m.Namespace,
		Version: a.Version.String(), Kind: a.Exec.Kind, Main: a.Exec.Main, Limits: a.Limits,
	}
	if m.Binding != (entity.Name{}) {
		s.Binding = "/" + m.Binding.String()
	}
	return s
}

var errStranger = entity.Errorf(entity.Unauthorized, "This is said by no pod of an action.")

// Knows reports whether the key is that of the pods of that name.
func (b *Backend) Knows(name, authorization string) bool {
	given, _ := strings.CutPrefix(authorization, "Bearer ")
	want, got := sha256.Sum256([]byte(b.keyOf(name))), sha256.Sum256([]byte(given)) // of one length
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

// speaks is whose pod it is. The key must be that of its version, and the Service the one that such an
// action has there, also if the cluster does not have it any more.
func (b *Backend) speaks(s speaker, authorization string) (at place, a *entity.Action, err error) {
	if !b.Knows(plan{s.Service, s.Tag}.revision(), authorization) {
		return at, nil, errStranger
	}
	var notes service
	notes.Metadata.Annotations = map[string]string{noteAction: s.Action, noteNamespace: s.Namespace}
	if s.Binding != "" {
		notes.Metadata.Annotations[noteBinding] = s.Binding
	}
	at, ok := notes.place()
	version, wrong := entity.ParseVersion(s.Version)
	if !ok || wrong != nil || serviceName(b.opt.Owner, at) != s.Service {
		return at, nil, errStranger
	}
	return at, &entity.Action{Name: at.Action, Version: version, Exec: entity.Exec{Kind: s.Kind, Main: s.Main}, Limits: s.Limits}, nil
}

// Asked is the body of a pod's question whose credentials it has been given, and who is asked.
func (b *Backend) Asked(authorization string, body []byte) (credentials string, err error) {
	var in struct {
		As            speaker `json:"as"`
		Authorization string  `json:"authorization"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return "", entity.MalformedContent("%s", err)
	}
	_, _, err = b.speaks(in.As, authorization)
	return in.Authorization, err
}

// Reported reads what a pod tells of activations, and how many it could not keep. What of it makes no
// sense is left out.
func (b *Backend) Reported(authorization string, body []byte) (ran []Ran, lost int, err error) {
	var in struct {
		As          speaker `json:"as"`
		Lost        int     `json:"lost"`
		Activations []struct {
			Transaction string                       `json:"transactionId"`
			Accepted    int64                        `json:"accepted"`
			Answer      actionproxy.ActivationAnswer `json:"answer"`
		} `json:"activations"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, 0, entity.MalformedContent("%s", err)
	}
	at, action, err := b.speaks(in.As, authorization)
	if err != nil {
		return nil, 0, err
	}
	for _, one := range in.Activations {
		id, err := entity.ParseActivationID(one.Answer.ActivationID)
		if err != nil || len(one.Answer.Result) == 0 {
			b.opt.Logger.Warn("a pod tells of what is no activation", "service", in.As.Service, "id", one.Answer.ActivationID)
			continue
		}
		msg := invoker.Message{Action: action, Binding: at.Binding, ID: id, Transaction: one.Transaction, Accepted: time.UnixMilli(one.Accepted)}
		ran = append(ran, Ran{at.Namespace, msg, conclude(&msg, one.Answer, time.UnixMilli(one.Answer.End))})
	}
	return ran, max(0, in.Lost), nil
}
