package actionproxy

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gowhisk/gowhisk/internal/protocol"
	"github.com/gowhisk/gowhisk/internal/webaction"
	"github.com/gowhisk/gowhisk/runtimes"
)

// Action is what a runtime becomes, and how its requests are served: the content of the file that is
// baked into an image, where Code is a path, or the "init" of a request, where Code is the code.
type Action struct {
	Namespace string `json:"namespace,omitempty"`
	Package   string `json:"package,omitempty"`
	Name      string `json:"name,omitempty"`
	Version   string `json:"version,omitempty"`
	// Kind is used where no setting says which one.
	Kind string `json:"kind,omitempty"`
	Main string `json:"main,omitempty"`
	// Code of a request is text, or base64 when Binary is set. Code of a file is a folder, which is
	// an extracted archive, or a file: text, or with Binary an archive or an executable.
	Code   string       `json:"code,omitempty"`
	Binary bool         `json:"binary,omitempty"`
	Env    protocol.Env `json:"env,omitempty"`
	// Parameters and Annotations are in OpenWhisk's form. Annotations that count are those of
	// package webaction, and "final".
	Parameters  KeyValues    `json:"parameters,omitempty"`
	Annotations KeyValues    `json:"annotations,omitempty"`
	Limits      ActionLimits `json:"limits,omitzero"`
	// Methods are those of HTTP that reach the action; none means POST, and all for a web action.
	Methods []string `json:"methods,omitempty"`

	baked string // the folder of the file that the action was read from
}

// ActionLimits are in OpenWhisk's units: milliseconds and megabytes. Nil is the default, for
// concurrency 1; a concurrency of 0 is no limit, as Knative counts.
type ActionLimits struct {
	Timeout     *int `json:"timeout,omitempty"`
	Logs        *int `json:"logs,omitempty"`
	Concurrency *int `json:"concurrency,omitempty"`
}

// KeyValues are parameters or annotations.
type KeyValues []KeyValue

// KeyValue is one of them. Init: it comes in the environment, not in the arguments.
type KeyValue struct {
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
	Init  bool            `json:"init,omitempty"`
}

// defaultTimeout is that of OpenWhisk's actions (2.5.1).
const defaultTimeout = time.Minute

// ReadAction reads the file of a dedicated image. Its code is read when it is needed.
func ReadAction(file string) (*Action, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the action: %w", err)
	}
	a := &Action{}
	if err := json.Unmarshal(text, a); err != nil {
		return nil, fmt.Errorf("read the action %s: %w", file, err)
	}
	if err := a.CheckMethods(); err != nil {
		return nil, fmt.Errorf("read the action %s: %w", file, err)
	}
	file, err = filepath.Abs(file)
	if err != nil {
		return nil, fmt.Errorf("read the action: %w", err)
	}
	a.baked = filepath.Dir(file)
	return a, nil
}

// CheckMethods brings the methods into upper case and reports one that no action is reached by.
func (a *Action) CheckMethods() error {
	for i, method := range a.Methods {
		a.Methods[i] = strings.ToUpper(method)
		if !webaction.Allowed(a.Methods[i]) {
			return fmt.Errorf("method %q is none of %s", method, webaction.Methods)
		}
	}
	return nil
}

// Get returns the value of the last entry with the key, nil if there is none.
func (kv KeyValues) Get(key string) json.RawMessage {
	for _, e := range slices.Backward(kv) {
		if e.Key == key {
			return e.Value
		}
	}
	return nil
}

// IsTrue reports whether the value of key is true.
func (kv KeyValues) IsTrue(key string) bool { return string(kv.Get(key)) == "true" }

// FullName is the name as an action sees it in __OW_ACTION_NAME.
func (a *Action) FullName() string {
	if a.Namespace == "" || strings.HasPrefix(a.Name, "/") {
		return a.Name
	}
	if a.Package == "" {
		return "/" + a.Namespace + "/" + a.Name
	}
	return "/" + a.Namespace + "/" + a.Package + "/" + a.Name
}

// web reports whether the action is served as a web action.
func (a *Action) web() bool { return a.Annotations.IsTrue(webaction.AnnotationExport) }

// allowed are the methods that reach the action.
func (a *Action) allowed() []string {
	switch {
	case len(a.Methods) > 0:
		return a.Methods
	case a.web():
		return strings.Split(webaction.Methods, ", ")
	}
	return []string{"POST"}
}

func (a *Action) timeout() time.Duration {
	if a.Limits.Timeout == nil || *a.Limits.Timeout <= 0 {
		return defaultTimeout
	}
	return time.Duration(*a.Limits.Timeout) * time.Millisecond
}

// oneAtATime reports whether the action came to a stem cell saying that its runs exclude one another.
func (a *Action) oneAtATime() bool {
	return a.baked == "" && a.Limits.Concurrency != nil && *a.Limits.Concurrency == 1
}

// limits are those of its runs: others' but for the logs, where the action says how much it may write.
func (a *Action) limits(others Limits) Limits {
	if logs := a.Limits.Logs; logs != nil {
		if others.Logs = *logs << 20; *logs <= 0 {
			others.Logs = -1
		}
	}
	return others
}

// fixed reports whether a request must not set the parameter. OpenWhisk 4.2.8.
func (a *Action) fixed(key string) bool {
	if !a.Annotations.IsTrue("final") {
		return false
	}
	v := a.Parameters.Get(key)
	return len(v) > 0 && string(v) != "null"
}

// environ is the environment that comes with the init. OpenWhisk 3.2.3.
func (a *Action) environ() protocol.Env {
	env := make(protocol.Env, len(a.Env)+len(a.Parameters)+3)
	for _, p := range a.Parameters {
		if p.Init && !strings.HasPrefix(p.Key, "__OW_") {
			env[p.Key] = textOf(p.Value)
		}
	}
	maps.Copy(env, a.Env)
	for key, value := range map[string]string{"__OW_NAMESPACE": a.Namespace, "__OW_ACTION_NAME": a.FullName(), "__OW_ACTION_VERSION": a.Version} {
		if value != "" && env[key] == "" {
			env[key] = value
		}
	}
	return env
}

// during is the action with the environment of the activation that it is initialized for: its members,
// and what it gives itself. Its trace is not among them: later runs without one would seem to be in it.
func (a *Action) during(activation map[string]string, env protocol.Env) *Action {
	b := *a
	b.Env = make(protocol.Env, len(a.Env)+len(env)+len(activation))
	maps.Copy(b.Env, env)
	maps.Copy(b.Env, a.Env)
	for name, value := range activation {
		if name != protocol.TraceParent && name != protocol.TraceState {
			b.Env["__OW_"+strings.ToUpper(name)] = value
		}
	}
	return &b
}

// textOf is a string as it is, null as nothing and anything else as JSON.
func textOf(raw json.RawMessage) string {
	var s *string
	if json.Unmarshal(raw, &s) != nil {
		return string(raw)
	}
	if s == nil {
		return ""
	}
	return *s
}

// init is the value of POST /init; folder is where the code is instead, if it is a folder.
func (a *Action) init() (in protocol.Init, folder string, err error) {
	in = protocol.Init{Name: a.Name, Main: a.Main, Code: a.Code, Binary: a.Binary, Env: a.environ()}
	if a.baked == "" || a.Code == "" {
		return in, "", nil
	}
	in.Code = ""
	file := a.Code
	if !filepath.IsAbs(file) {
		file = filepath.Join(a.baked, file)
	}
	info, err := os.Stat(file)
	if err != nil {
		return in, "", fmt.Errorf("find the code of the action: %w", err)
	}
	if info.IsDir() {
		return in, file, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return in, "", fmt.Errorf("read the code of the action: %w", err)
	}
	if in.Code = string(text); a.Binary {
		in.Code = encodeBase64(text)
	}
	return in, "", nil
}

// prepare lays the code out in dir, unless it lies somewhere already.
func (a *Action) prepare(f runtimes.Family, dir string) (Prepared, error) {
	in, folder, err := a.init()
	if err != nil {
		return Prepared{}, err
	}
	if a.baked != "" && in.Main == "" && !f.RequireMain {
		in.Main = "main"
	}
	if folder == "" {
		return Prepare(in, f, dir, ArchiveLimits{})
	}
	if f.Compiled && !hasExecutable(folder) {
		if err := os.CopyFS(dir, os.DirFS(folder)); err != nil {
			return Prepared{}, fmt.Errorf("copy the source of the action: %w", err)
		}
		return Prepared{Init: in, Source: dir}, nil
	}
	if in.Main == "" {
		return Prepared{}, &protocol.Failure{Status: http.StatusForbidden, Message: protocol.NoCode}
	}
	in.Dir, in.Binary = folder, false
	return Prepared{Init: in}, nil
}
