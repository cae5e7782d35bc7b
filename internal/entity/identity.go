package entity

// Namespace is one namespace of a subject, with the key that opens it.
type Namespace struct {
	Name string `json:"name"`
	UUID string `json:"uuid"`
	Key  string `json:"key"` // 64 characters
}

// Subject is a user: a name of at least five characters and namespaces.
// OpenWhisk 6.1.1.
type Subject struct {
	Name       string      `json:"subject"`
	Namespaces []Namespace `json:"namespaces"`
	Blocked    bool        `json:"blocked,omitempty"`
}

// NamespaceLimits are the overrides of one namespace; what is nil follows
// the system's default. OpenWhisk 6.2.1, 6.4.9.
type NamespaceLimits struct {
	InvocationsPerMinute  *int     `json:"invocationsPerMinute,omitempty"`
	FiresPerMinute        *int     `json:"firesPerMinute,omitempty"`
	ConcurrentInvocations *int     `json:"concurrentInvocations,omitempty"`
	AllowedKinds          []string `json:"allowedKinds,omitempty"`
	StoreActivations      *bool    `json:"storeActivations,omitempty"`
	MinActionMemory       *int64   `json:"minActionMemory,omitempty"`  // MB
	MaxActionMemory       *int64   `json:"maxActionMemory,omitempty"`  // MB
	MinActionLogs         *int64   `json:"minActionLogs,omitempty"`    // MB
	MaxActionLogs         *int64   `json:"maxActionLogs,omitempty"`    // MB
	MinActionTimeout      *int64   `json:"minActionTimeout,omitempty"` // ms
	MaxActionTimeout      *int64   `json:"maxActionTimeout,omitempty"` // ms
	MinActionConcurrency  *int     `json:"minActionConcurrency,omitempty"`
	MaxActionConcurrency  *int     `json:"maxActionConcurrency,omitempty"`
	MaxParameterSize      *int64   `json:"maxParameterSize,omitempty"` // bytes
	MaxPayloadSize        *int64   `json:"maxPayloadSize,omitempty"`   // bytes
	TruncationSize        *int64   `json:"truncationSize,omitempty"`   // bytes
}

// Identity is who a request acts as: a subject in one of its namespaces. It
// is shared between requests and never changed. OpenWhisk 6.1.3.
type Identity struct {
	Subject   string
	Namespace Namespace
	Limits    NamespaceLimits
}

// AuthKey is the credential in the form that actions and clients use.
func (id *Identity) AuthKey() string { return id.Namespace.UUID + ":" + id.Namespace.Key }

// StoresActivations reports whether the namespace keeps activation records.
func (id *Identity) StoresActivations() bool {
	return id.Limits.StoreActivations == nil || *id.Limits.StoreActivations
}
