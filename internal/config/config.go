// Package config reads the settings of the server: defaults, then a strict
// YAML file, then GOWHISK_ environment variables, then flags, each over the
// one before. It is the only package that knows their names; it decides
// nothing about what they mean.
package config

import "time"

// Config is every setting. Its comments and usage texts are the reference;
// Config.Settings lists them. The zero value is not useful: begin with Defaults.
type Config struct {
	Listen    string `json:"listen" env:"LISTEN" usage:"address and port of the API; port 0 lets the kernel choose"`
	DataDir   string `json:"dataDir" env:"DATA_DIR" usage:"directory of everything that is kept (created with mode 0700)"`
	APIHost   string `json:"apiHost" env:"API_HOST" usage:"URL under which actions reach the API; empty means the one it listens on"`
	PublicURL string `json:"publicURL" env:"PUBLIC_URL" usage:"URL under which clients reach the API; empty means that of actions"`
	WebHost   string `json:"webHost" env:"WEB_HOST" usage:"host name below which NAMESPACE.HOST serves the web actions of a namespace; empty means none"`
	JSON      bool   `json:"json" env:"JSON" usage:"write the log and the start-up message as JSON lines"`
	Level     string `json:"logLevel" env:"LOG_LEVEL" usage:"least severe log line to write: debug, info, warn or error"`
	Pprof     string `json:"pprof" env:"PPROF" usage:"address and port of the profiling listener; empty means none"`

	// Drain bounds how long a stopping server waits for what is in flight.
	Drain Duration `json:"drain" env:"DRAIN" usage:"how long a stopping server waits for activations in flight"`

	// Runtimes is a file in the form of OpenWhisk's runtimes manifest that
	// takes the place of the built-in one.
	Runtimes  string `json:"runtimes" env:"RUNTIMES" usage:"runtimes manifest file; empty means the built-in one"`
	Blackbox  bool   `json:"blackbox" env:"BLACKBOX" usage:"allow actions that bring their own executable (--native)"`
	Fork      bool   `json:"fork" env:"FORK" usage:"start Python actions by fork from an interpreter that has imported what they need"`
	Isolation string `json:"isolation" env:"ISOLATION" usage:"auto, full, rootless, landlock, or none (trusted code only)"`

	// ExecuteOnly keeps the code of shared packages from those who use them.
	// OpenWhisk 5.3.16.
	ExecuteOnly bool `json:"sharedPackagesExecuteOnly" env:"SHARED_PACKAGES_EXECUTE_ONLY" usage:"let others call what shared packages hold but not read it"`

	Backend string  `json:"backend" env:"BACKEND" usage:"where actions run: local, or knative for a Kubernetes cluster"`
	Knative Knative `json:"knative" env:", prefix=KNATIVE_"`

	TLS       TLS       `json:"tls" env:", prefix=TLS_"`
	Limits    Limits    `json:"limits" env:", prefix=LIMITS_"`
	Pool      Pool      `json:"pool" env:", prefix=POOL_"`
	Retention Retention `json:"retention" env:", prefix=RETENTION_"`
	Egress    Egress    `json:"egress" env:", prefix=EGRESS_"`
	Bootstrap Bootstrap `json:"bootstrap" env:", prefix=BOOTSTRAP_"`
}

// Knative is the cluster of the backend of that name.
type Knative struct {
	Kubeconfig string `json:"kubeconfig" env:"KUBECONFIG" usage:"file that says how to reach the cluster; empty in a pod of it"`
	Namespace  string `json:"namespace" env:"NAMESPACE" usage:"namespace of Kubernetes for everything that actions need"`
	Owner      string `json:"owner" env:"OWNER" usage:"label that tells apart several servers in one namespace"`
	Anchor     string `json:"anchor" env:"ANCHOR" usage:"ConfigMap of the namespace that all belongs to and is removed with; empty for none"`
	Registry   string `json:"registry" env:"REGISTRY" usage:"registry and folder for images of actions; empty means that code, up to 1 MiB, travels in Secrets"`

	// Images maps a kind to the image that its actions are built on: one with the interpreter, or,
	// which is necessary without a registry, one that gowhisk build runtime has made of it.
	Images  map[string]string `json:"images" env:"IMAGES, separator==" usage:"images by kind, such as nodejs:20=registry.example/node:20"`
	Proxies []string          `json:"proxies" env:"PROXIES" usage:"actionproxy for images, one for each architecture; empty means those beside gowhisk"`

	// StemCells maps a kind to how many pods without an action wait for actions whose Services are at
	// zero; a kind that is missing follows the manifest. The kind "all" is every one that has an image.
	StemCells map[string]int `json:"stemCells" env:"STEM_CELLS, separator==" usage:"waiting pods by kind, such as nodejs:20=2; all=0 means none"`

	// PullSecret is of type kubernetes.io/dockerconfigjson, as kubectl create secret docker-registry makes it.
	PullSecret string `json:"pullSecret" env:"PULL_SECRET" usage:"Secret with the credentials with which nodes pull the images of actions"`

	CA      string `json:"ca" env:"CA" usage:"file (PEM) with the authorities for Services that are reached over HTTPS; empty means the system's"`
	Ingress string `json:"ingress" env:"INGRESS" usage:"URL where requests for cluster-local addresses enter; empty where those are reached as they are"`

	// Events says what becomes of triggers and rules in the cluster.
	Events        string   `json:"events" env:"EVENTS" usage:"what triggers are in the cluster: channel with Subscriptions for active rules, broker with Triggers, or none"`
	EventsIngress string   `json:"eventsIngress" env:"EVENTS_INGRESS" usage:"URL where events for Channels or the Broker enter; empty where their addresses are reached as they are"`
	EventsWait    Duration `json:"eventsWait" env:"EVENTS_WAIT" usage:"how long an event may be on its way through the cluster before its rules run without it"`
}

// TLS chooses how connections are encrypted: not at all, with a given
// certificate, or with one that an authority signs which the server makes for
// itself once and keeps in the data directory. Neither needs a restart to be
// renewed.
type TLS struct {
	Listen     string   `json:"listen" env:"LISTEN" usage:"address and port of HTTPS beside the API without encryption; empty encrypts the API's"`
	Cert       string   `json:"cert" env:"CERT" usage:"certificate file (PEM, with intermediates)"`
	Key        string   `json:"key" env:"KEY" usage:"private key file (PEM)"`
	SelfSigned bool     `json:"selfSigned" env:"SELF_SIGNED" usage:"serve HTTPS with an own certificate, kept in the data directory"`
	Names      []string `json:"names" env:"NAMES" usage:"further host names and IP addresses of the own certificate"`
}

// Limits are the defaults of namespaces that have none of their own.
// OpenWhisk C.5.
type Limits struct {
	InvocationsPerMinute  int `json:"invocationsPerMinute" env:"INVOCATIONS_PER_MINUTE" usage:"invocations a minute of one namespace"`
	ConcurrentInvocations int `json:"concurrentInvocations" env:"CONCURRENT_INVOCATIONS" usage:"activations in flight of one namespace"`
	FiresPerMinute        int `json:"firesPerMinute" env:"FIRES_PER_MINUTE" usage:"trigger fires a minute of one namespace"`
	SequenceLength        int `json:"sequenceLength" env:"SEQUENCE_LENGTH" usage:"actions in a sequence, those of sequences in it counted"`

	Payload Size         `json:"payload" env:"PAYLOAD" usage:"body of an invocation, 1MB at most"`
	Actions ActionLimits `json:"actions" env:", prefix=ACTIONS_"`
}

// Pool bounds the containers of this machine.
type Pool struct {
	Memory Size `json:"memory" env:"MEMORY" usage:"memory of all containers together, such as 16GB; three quarters of the machine's if not set"`

	// StemCells maps a kind to how many booted containers without an action
	// are kept ready; a kind that is missing follows the manifest.
	StemCells   map[string]int `json:"stemCells" env:"STEM_CELLS, separator==" usage:"ready containers by kind, such as nodejs:20=2,python:3.11=1"`
	PauseGrace  Duration       `json:"pauseGrace" env:"PAUSE_GRACE" usage:"how long a container idles before it is frozen"`
	IdleTimeout Duration       `json:"idleTimeout" env:"IDLE_TIMEOUT" usage:"how long a container idles before it is destroyed"`
}

// Retention bounds the activation records that are kept.
type Retention struct {
	Age  Duration `json:"age" env:"AGE" usage:"how long activation records are kept; 0 means without end"`
	Size Size     `json:"size" env:"SIZE" usage:"room that activation records may take; 0 means without bound"`
}

// Egress says where actions may connect to. The API and public addresses
// are open unless Policy is "none"; addresses of the host and of private
// networks are closed unless listed.
type Egress struct {
	Policy string   `json:"policy" env:"POLICY" usage:"public, or none for the API and nothing else"`
	Allow  []string `json:"allow" env:"ALLOW" usage:"private networks that actions may reach, such as 10.0.0.0/24"`
	DNS    []string `json:"dns" env:"DNS" usage:"resolvers that actions may ask; empty means the host's"`
}

// Bootstrap says who exists in a fresh data directory.
type Bootstrap struct {
	// Keys is "public" for the two well-known keys of OpenWhisk, "random",
	// or "auto": public on a loopback address and random on any other.
	Keys string `json:"keys" env:"KEYS" usage:"keys of guest and whisk.system: auto, public (OpenWhisk's well-known ones) or random"`

	// Users maps a namespace to its uuid:key; the subject has the same name.
	Users map[string]string `json:"users" env:"USERS, separator==" usage:"further users, such as team-a=UUID:KEY"`
}

// Defaults are the settings of a server that is told nothing. memory is that
// of the machine in bytes; getenv finds the home directory.
func Defaults(memory int64, getenv func(string) string) Config {
	return Config{
		Listen:    "127.0.0.1:3233",
		DataDir:   dataDir(getenv),
		Level:     "info",
		Drain:     Duration(30 * time.Second),
		Isolation: "auto",
		Backend:   "local",
		Knative:   Knative{Namespace: "gowhisk", Owner: "gowhisk", Events: "channel", EventsWait: Duration(10 * time.Second)},
		Blackbox:  true,
		Fork:      true,
		Limits:    defaultLimits(),
		Pool: Pool{
			Memory:      Size(memory / 4 * 3 / int64(MB) * int64(MB)),
			PauseGrace:  Duration(10 * time.Second),
			IdleTimeout: Duration(10 * time.Minute),
		},
		Retention: Retention{Age: Duration(7 * 24 * time.Hour), Size: 10 * GB},
		Egress:    Egress{Policy: "public"},
		Bootstrap: Bootstrap{Keys: "auto"},
	}
}

// dataDir follows XDG where the user does, else it is ~/.gowhisk.
func dataDir(getenv func(string) string) string {
	if xdg := getenv("XDG_DATA_HOME"); xdg != "" {
		return xdg + "/gowhisk"
	}
	if home := getenv("HOME"); home != "" {
		return home + "/.gowhisk"
	}
	return "/var/lib/gowhisk"
}
