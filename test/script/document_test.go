package script

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// document is the description of the API that a server gives of itself, with
// every form in it compiled. It is strict where the document is silent: an
// object has no members but those that are described.
type document struct {
	base       string
	operations []*operation

	mu      sync.Mutex
	checked int             // guarded by mu
	seen    map[string]bool // guarded by mu: operations that answered as they should
}

// operation is one verb on one path.
type operation struct {
	verb     string
	segments []string // of the path; "{name}" stands for any
	payload  *jsonschema.Schema
	answers  map[string]answer // by status
}

// answer has the form of a body, and other forms by query such as "count=true".
type answer struct {
	form *jsonschema.Schema // nil: anything
	when map[string]*jsonschema.Schema
}

// documents remembers the one document: all servers of a run give the same.
var documents struct {
	sync.Mutex
	one *document
}

// documentOf returns the document of the server at apihost, or the one that is
// known already.
func documentOf(apihost string) (*document, error) {
	documents.Lock()
	defer documents.Unlock()
	if documents.one != nil {
		return documents.one, nil
	}
	doc, err := readDocument(apihost)
	if err == nil {
		documents.one = doc
	}
	return doc, err
}

// readDocument compiles the document of the server at apihost.
func readDocument(apihost string) (*document, error) {
	response, err := http.Get(apihost + "/api/v1/api-docs")
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("read the API's document: %s", response.Status)
	}
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("read the API's document: %w", err)
	}
	for _, definition := range at(whole, "definitions").(map[string]any) {
		tighten(definition)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft4)
	if err := c.AddResource("api.json", whole); err != nil {
		return nil, err
	}
	d := &document{base: at(whole, "basePath").(string), seen: map[string]bool{}}
	for path, item := range at(whole, "paths").(map[string]any) {
		for verb := range item.(map[string]any) {
			if verb == "parameters" {
				continue
			}
			op, err := compile(c, whole, path, verb)
			if err != nil {
				return nil, err
			}
			d.operations = append(d.operations, op)
		}
	}
	// What is spelled out comes before what stands for any name.
	slices.SortFunc(d.operations, func(a, b *operation) int {
		return strings.Count(strings.Join(a.segments, "/"), "{") - strings.Count(strings.Join(b.segments, "/"), "{")
	})
	return d, nil
}

// at follows members of nested objects.
func at(v any, members ...string) any {
	for _, m := range members {
		object, _ := v.(map[string]any)
		v = object[m]
	}
	return v
}

// tighten allows no members but those that are described.
func tighten(schema any) {
	object, ok := schema.(map[string]any)
	if !ok {
		return
	}
	if object["properties"] != nil && object["additionalProperties"] == nil {
		object["additionalProperties"] = false
	}
	for _, inner := range object {
		tighten(inner)
	}
}

// compile reads one operation.
func compile(c *jsonschema.Compiler, whole any, path, verb string) (*operation, error) {
	op := &operation{verb: strings.ToUpper(verb), segments: strings.Split(path, "/"), answers: map[string]answer{}}
	here := "api.json#/paths/" + strings.ReplaceAll(strings.ReplaceAll(path, "~", "~0"), "/", "~1") + "/" + verb
	form := func(pointer string) (*jsonschema.Schema, error) {
		return c.Compile(here + strings.NewReplacer("{", "%7B", "}", "%7D").Replace(pointer))
	}
	var err error
	parameters, _ := at(whole, "paths", path, verb, "parameters").([]any)
	for i, p := range parameters {
		if at(p, "in") == "body" {
			if op.payload, err = form(fmt.Sprintf("/parameters/%d/schema", i)); err != nil {
				return nil, err
			}
		}
	}
	for status, r := range at(whole, "paths", path, verb, "responses").(map[string]any) {
		a := answer{when: map[string]*jsonschema.Schema{}}
		if at(r, "schema") != nil {
			if a.form, err = form("/responses/" + status + "/schema"); err != nil {
				return nil, err
			}
		}
		forms, _ := at(r, "x-when").(map[string]any)
		for query := range forms {
			if a.when[query], err = form("/responses/" + status + "/x-when/" + query); err != nil {
				return nil, err
			}
		}
		op.answers[status] = a
	}
	return op, nil
}

// check compares an exchange with the document. A request that it forbids must
// have been refused, and every answer must have the form that it promises.
func (d *document) check(x *exchange) (breaches []string) {
	op := d.find(x.request.Method, x.request.URL)
	if op == nil || x.status == 0 {
		return nil
	}
	breach := func(format string, args ...any) {
		breaches = append(breaches, fmt.Sprintf("%s %s: ", x.request.Method, x.request.URL)+fmt.Sprintf(format, args...))
	}
	status := fmt.Sprint(x.status)
	a, ok := op.answers[status]
	if !ok {
		a, ok = op.answers["default"]
	}
	if !ok {
		breach("status %s is not there; the answer was %s", status, x.answered.Bytes())
	}
	success := x.status < http.StatusMultipleChoices
	if err := matches(op.payload, x.sent); err != nil && success {
		breach("accepted %s\n%v", x.sent, err)
	}
	form := a.form
	for query, other := range a.when {
		key, value, _ := strings.Cut(query, "=")
		if x.request.URL.Query().Get(key) == value {
			form = other
		}
	}
	if err := matches(form, x.answered.Bytes()); err != nil && x.request.Method != http.MethodHead && !loneArray(op, x) {
		breach("answered %d %s\n%v", x.status, x.answered.Bytes(), err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.checked++
	if success && len(breaches) == 0 {
		d.seen[op.String()] = true
	}
	return breaches
}

func (op *operation) String() string { return op.verb + " " + strings.Join(op.segments, "/") }

// loneArray reports whether the answer is the array of an action, which is
// never put into a record. OpenWhisk 2.6.4.
func loneArray(op *operation, x *exchange) bool {
	return op.verb == http.MethodPost && strings.Contains(op.String(), "/actions/") && bytes.HasPrefix(x.answered.Bytes(), []byte("["))
}

// matches compares a body with its form; nothing is compared with a body that
// is missing or too long, nor with one that is no JSON but a string.
func matches(form *jsonschema.Schema, body []byte) error {
	if form == nil || len(body) == 0 || len(body) > maxChecked {
		return nil
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil && form.Types != nil && slices.Contains(form.Types.ToStrings(), "string") {
		return nil
	}
	if err != nil {
		return err
	}
	return form.Validate(v)
}

// find returns the operation of a request, nil if the document has none.
func (d *document) find(verb string, u *url.URL) *operation {
	path, ok := strings.CutPrefix(u.EscapedPath(), d.base)
	if !ok {
		return nil
	}
	segments := strings.Split(path, "/")
	for _, op := range d.operations {
		if op.verb == verb && slices.EqualFunc(op.segments, segments, fits) {
			return op
		}
	}
	return nil
}

func fits(pattern, segment string) bool {
	return pattern == segment || strings.HasPrefix(pattern, "{") && segment != ""
}

// summary tells what was compared, and which operations no script used well.
func (d *document) summary(t *testing.T, complete bool) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	t.Logf("%d exchanges were as the API's document says; %d of its %d operations were used", d.checked, len(d.seen), len(d.operations))
	if !complete {
		return
	}
	for _, op := range d.operations {
		if !d.seen[op.String()] {
			t.Errorf("no script has %s succeed", op)
		}
	}
}
