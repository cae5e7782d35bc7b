package entity

// Kinds with a meaning of their own; all others are "family:version".
const (
	KindBlackbox = "blackbox"
	KindSequence = "sequence"

	// KindBuiltin is that of the platform's own actions, which the server runs
	// inside itself; Main says which. No request may ask for it.
	KindBuiltin = "builtin"
)

// SkeletonImage is the image that `wsk … --native` names.
const SkeletonImage = "openwhisk/dockerskeleton"

// Exec says what an action executes. Code is source text or base64; a stored
// action carries no Code here but a CodeID under which the store holds it.
type Exec struct {
	Kind       string
	Code       string
	Main       string
	Image      string   // blackbox only
	Binary     bool     // Code is base64
	Components []string // sequence only: "/ns[/pkg]/name"
	CodeID     string   // names the stored code; empty if there is none
}

// execJSON is the wire form. OpenWhisk 2.3.1.
type execJSON struct {
	Kind       string   `json:"kind"`
	Code       *string  `json:"code,omitempty"`
	Binary     *bool    `json:"binary,omitempty"`
	Main       string   `json:"main,omitempty"`
	Image      string   `json:"image,omitempty"`
	Components []string `json:"components,omitempty"`
}

// MarshalJSON renders what a client reads: `code` is there only if e holds
// it, `binary` on everything that has code at all.
func (e Exec) MarshalJSON() ([]byte, error) {
	out := execJSON{Kind: e.Kind, Main: e.Main, Image: e.Image, Components: e.Components}
	if e.Kind != KindSequence {
		out.Binary = &e.Binary
	}
	if e.Code != "" {
		out.Code = &e.Code
	}
	return Marshal(out)
}

// CodeSize is the size that counts against MaxCodeSize. OpenWhisk 2.2.9.
func (e Exec) CodeSize() int64 {
	n := len(e.Code) + len(e.Main) + len(e.Image)
	for _, c := range e.Components {
		n += len(c)
	}
	return int64(n)
}

// LooksBinary reports whether code is what OpenWhisk takes for base64: not
// empty, a multiple of four characters of the base64 alphabet, padded at the
// end only. Short source text such as "abcd" passes too, on purpose: the
// runtimes are told the same. OpenWhisk 2.2.4.
func LooksBinary(code string) bool {
	code = trimSpace(code)
	if code == "" || len(code)%4 != 0 {
		return false
	}
	body := code
	for i := 0; i < 2 && body[len(body)-1] == '='; i++ {
		body = body[:len(body)-1]
	}
	for i := range len(body) {
		if c := body[i]; !wordByte(c) && c != '+' && c != '/' || c == '_' {
			return false
		}
	}
	return true
}

// trimSpace cuts white space and control characters off both ends, as the
// JVM's trim does.
func trimSpace(s string) string {
	i, j := 0, len(s)
	for i < j && s[i] <= ' ' {
		i++
	}
	for i < j && s[j-1] <= ' ' {
		j--
	}
	return s[i:j]
}
