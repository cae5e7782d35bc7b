package apigateway_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gowhisk/gowhisk/internal/apigateway"
)

// failure is the response of a web action that fails. OpenWhisk 7.3.8.
func failure(text string) string {
	return fmt.Sprintf(`{"error":{"statusCode":502,"headers":{"Content-Type":"application/json"},"body":{"error":%q}}}`, text)
}

func same(t *testing.T, name, got, want string) {
	t.Helper()
	var g, w any
	if json.Unmarshal([]byte(got), &g) != nil || json.Unmarshal([]byte(want), &w) != nil {
		t.Errorf("%s: %s, want %s", name, got, want)
		return
	}
	if diff := cmp.Diff(w, g); diff != "" {
		t.Errorf("%s:\n%s", name, diff)
	}
}

func TestCreationRefusesWithOpenWhisksTexts(t *testing.T) {
	doc := func(members string) string { return `{"apidoc":{` + members + `}}` }
	const ns = `"namespace":"_"`
	const way = ns + `,"gatewayBasePath":"/a","gatewayPath":"/b","gatewayMethod":"GET"`
	swagger := func(members string) string { return doc(ns + `,"swagger":{` + members + `}`) }
	w := newWorld(t)
	for args, want := range map[string]string{
		`{}`:                                "apidoc is required.",
		`{"apidoc":null}`:                   "apidoc is required.",
		`{"apidoc":""}`:                     "apidoc is required.",
		`{"apidoc":0}`:                      "apidoc is required.",
		`{"apidoc":"{"}`:                    "apidoc field cannot be parsed. Ensure it is valid JSON.",
		`{"apidoc":5}`:                      "apidoc field is of type number and should be a JSON object or a JSON string.",
		`{"apidoc":true}`:                   "apidoc field is of type boolean and should be a JSON object or a JSON string.",
		`{"apidoc":[]}`:                     "apidoc is missing the namespace field",
		`{"apidoc":"{}"}`:                   "apidoc is missing the namespace field",
		`{"apidoc":"null"}`:                 "apidoc is missing the namespace field",
		doc(``):                             "apidoc is missing the namespace field",
		doc(`"namespace":""`):               "apidoc is missing the namespace field",
		doc(ns):                             "apidoc is missing the gatewayBasePath field",
		doc(ns + `,"gatewayBasePath":"/a"`): "apidoc is missing the gatewayPath field",
		doc(ns + `,"gatewayBasePath":"/a","gatewayPath":"/b"`): "apidoc is missing the gatewayMethod field",
		doc(way):                  "apidoc is missing the action field.",
		doc(way + `,"action":{}`): "action is missing the backendMethod field.",
		doc(way + `,"action":{"backendMethod":"GET"}`):                                                         "action is missing the backendUrl field.",
		doc(way + `,"action":{"backendMethod":"GET","backendUrl":"u"}`):                                        "action is missing the namespace field.",
		doc(way + `,"action":{"backendMethod":"GET","backendUrl":"u","namespace":"_"}`):                        "action is missing the name field.",
		doc(way + `,"action":{"backendMethod":"GET","backendUrl":"u","namespace":"_","name":"x"}`):             "action is missing the authkey field.",
		doc(way + `,"action":{"backendMethod":"G","backendUrl":"u","namespace":"_","name":"x","authkey":"k"}`): "API creation failure: API swagger generation error: 'u' is not the URL of a web action.",
		doc(ns + `,"swagger":"{}","gatewayBasePath":"/a"`):                                                     "swagger and gatewayBasePath are mutually exclusive and cannot be specified together.",
		doc(ns + `,"swagger":"{"`):                                       "swagger field cannot be parsed. Ensure it is valid JSON.",
		doc(ns + `,"swagger":7`):                                         "swagger field is number and should be an object or a JSON string.",
		doc(ns + `,"swagger":"7"`):                                       "swagger is missing the basePath field.",
		swagger(``):                                                      "swagger is missing the basePath field.",
		swagger(`"basePath":"/a"`):                                       "swagger is missing the paths field.",
		swagger(`"basePath":"/a","paths":{}`):                            "swagger is missing the info field.",
		swagger(`"basePath":"/a","paths":{},"info":{"title":"t"}`):       "API creation failure: Unable to configure the API Gateway (status code 400): Empty resources object.",
		swagger(`"basePath":"/a","paths":{"b":{}},"info":{"title":"t"}`): "API creation failure: Unable to configure the API Gateway (status code 400): Resource path must begin with '/'.",
		swagger(`"basePath":"/a","paths":{"/b":{"trace":{}}},"info":{"title":"t"}`):                                             "API creation failure: Unable to configure the API Gateway (status code 400): Resource verb 'trace' not supported.",
		swagger(`"basePath":"/a","paths":{"/b":{"get":7}},"info":{"title":"t"}`):                                                "API creation failure: Unable to configure the API Gateway (status code 400): Resource verb 'get' not supported.",
		swagger(`"basePath":"a","paths":{"/b":{"get":{}}},"info":{"title":"t"}`):                                                "API creation failure: Unable to configure the API Gateway (status code 400): The basePath must be a path that begins with '/'.",
		swagger(`"basePath":"/a","paths":{"/b":{"get":{}}},"info":{"title":"t"},"securityDefinitions":{"k":{"type":"apiKey"}}`): "API creation failure: This gateway does not enforce 'securityDefinitions'. Remove it, and protect the action with the annotation require-whisk-auth.",
		endpoint("/a/{b}/c", "/d", "GET", "x"):                                                                                  "API creation failure: The base path (/a/{b}/c) cannot have parameters. Only the relative path supports path parameters.",
		endpoint("/a", "/{b}", "GET", "x"):                                                                                      "API creation failure: The action must use a response type of '.http' in order to receive the path parameters.",
		endpoint("/a", "/b", "TRACE", "x"):                                                                                      "API creation failure: Unable to configure the API Gateway (status code 400): Resource verb 'trace' not supported.",
		endpoint("Some Name", "/b", "GET", "x"):                                                                                 "API creation failure: API 'Some Name' does not exist.",
	} {
		same(t, args, w.as("guest", w.g.CreateAPI, args), failure(want))
	}
	same(t, "anonymous", w.as("", w.g.CreateAPI, endpoint("/a", "/b", "GET", "x")), failure("A valid auth key is required."))
}

func TestParametersOfPathsMustReachTheAction(t *testing.T) {
	w := newWorld(t)
	for name, row := range map[string]struct{ url, target, parameter, want string }{
		"response type": {".json", ".http$(request.path)", "name", "The action must use a response type of '.http' in order to receive the path parameters."},
		"target":        {".http", ".http", "name", "The target-url for operationId 'getX' must end in '$(request.path)' in order for actions to receive the path parameters."},
		"name":          {".http", ".http$(request.path)", "name1", "The parameter 'name' defined in path '/x/{name}' does not match any of the parameters defined for the path in the swagger file."},
		"good":          {".http", ".http$(request.path)", "name", ""},
	} {
		doc := fmt.Sprintf(`{"swagger":"2.0","basePath":"/v1","info":{"title":"/v1"},"paths":{"/x/{name}":{"get":{"operationId":"getX",
			"parameters":[{"in":"path","name":%q}],"x-openwhisk":{"url":"%s/api/v1/web/guest/default/x%s"}}}},
			"x-ibm-configuration":{"assembly":{"execute":[{"operation-switch":{"case":[{"operations":["getX"],"execute":[{"invoke":
			{"target-url":"%s/api/v1/web/guest/default/x%s","verb":"keep"}}]}]}}]}}}`, row.parameter, server, row.url, server, row.target)
		text, _ := json.Marshal(doc)
		got := w.as("guest", w.g.CreateAPI, `{"apidoc":{"namespace":"_","swagger":`+string(text)+`}}`)
		if row.want == "" {
			created(t, got)
			continue
		}
		same(t, name, got, failure("API creation failure: "+row.want))
	}
}

func TestDocumentIsOpenWhisks(t *testing.T) {
	w := newWorld(t)
	args := strings.NewReplacer(`"json"`, `"http"`, `"authkey"`, `"secureKey":7,"authkey"`, `"apidoc":{`, `"apidoc":{"apiName":"Book Club","pathParameters":[{"name":"isbn","in":"path"}],`).
		Replace(endpoint("/club", "/books/{isbn}", "GET", "p/books"))
	same(t, "creation", w.as("guest", w.g.CreateAPI, args), fmt.Sprintf(`{"statusCode":200,"headers":{"Content-Type":"application/json"},"body":{
		"namespace":"Not Used","gwApiActivated":true,"tenantId":"Not Used","gwApiUrl":"%[1]s/api/%[2]s/club","apidoc":{
		"swagger":"2.0","basePath":"/club","info":{"title":"Book Club","version":"1.0.0"},
		"paths":{"/books/{isbn}":{"get":{"operationId":"getBooksIsbn","parameters":[{"name":"isbn","in":"path"}],
			"responses":{"default":{"description":"Default response"}},
			"x-openwhisk":{"namespace":"guest","package":"p","action":"books","url":"%[1]s/api/v1/web/guest/p/books.http"}}}},
		"x-ibm-configuration":{"cors":{"enabled":true},"assembly":{"execute":[{"operation-switch":{"case":[{"operations":["getBooksIsbn"],"execute":[
			{"invoke":{"target-url":"%[1]s/api/v1/web/guest/p/books.http$(request.path)","verb":"keep"}},
			{"set-variable":{"actions":[{"set":"message.headers.X-Require-Whisk-Auth","value":7}]}}]}]}}]}}}}}`, server, apigateway.TenantOf("guest")))
}

func TestOperationIDsAreCamelCase(t *testing.T) {
	w := newWorld(t)
	for path, want := range map[string]string{
		"/path/with/sub_paths/in/it": "getPathWithSub_pathsInIt",
		"/newEndpoint":               "getNewendpoint",
		"/a-b.cD/e~f":                "getA-bCdEF",
		"/":                          "get",
	} {
		if got := w.as("guest", w.g.CreateAPI, endpoint("/ids", path, "GET", "x")); !strings.Contains(got, `"operationId":"`+want+`"`) {
			t.Errorf("%s: no %s in %s", path, want, got)
		}
	}
}

// paths tells which operations an API has, and how many ways to actions.
func (w *world) paths(user, base string) string {
	w.t.Helper()
	var r struct {
		Body struct {
			Apis []struct {
				Value struct {
					Apidoc struct {
						Info   struct{ Title string }
						Paths  map[string]map[string]any
						Config struct {
							Assembly struct {
								Execute []struct {
									Switch struct{ Case []any } `json:"operation-switch"`
								}
							}
						} `json:"x-ibm-configuration"`
					}
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(w.as(user, w.g.GetAPI, fmt.Sprintf(`{"basepath":%q}`, base))), &r); err != nil {
		w.t.Fatal(err)
	}
	out := fmt.Sprint(len(r.Body.Apis), " APIs")
	for _, a := range r.Body.Apis {
		cases := 0
		for _, step := range a.Value.Apidoc.Config.Assembly.Execute {
			cases += len(step.Switch.Case)
		}
		ids := map[string][]string{}
		for path, item := range a.Value.Apidoc.Paths {
			for verb := range item {
				ids[path] = append(ids[path], verb)
			}
		}
		out += fmt.Sprint(", ", a.Value.Apidoc.Info.Title, " with ", len(ids), " paths and ", cases, " cases")
	}
	return out
}

func TestEndpointsAreMergedReplacedAndRemoved(t *testing.T) {
	w := newWorld(t)
	is := func(want string) {
		t.Helper()
		if got := w.paths("guest", "/a"); got != want {
			t.Errorf("there are %s, want %s", got, want)
		}
	}
	remove := func(args, want string) {
		t.Helper()
		same(t, args, w.as("guest", w.g.DeleteAPI, args), want)
	}
	const done = `{"statusCode":200,"headers":{"Content-Type":"application/json"},"body":{}}`
	is("0 APIs")
	for _, e := range [][2]string{{"/b", "GET"}, {"/b", "POST"}, {"/c", "GET"}, {"/b", "GET"}} {
		created(t, w.as("guest", w.g.CreateAPI, endpoint("/a", e[0], e[1], "x")))
	}
	created(t, w.as("guest", w.g.CreateAPI, endpoint("/a/", "/d", "GET", "x")))
	is("1 APIs, /a with 3 paths and 4 cases")
	created(t, w.as("other", w.g.CreateAPI, endpoint("/a", "/b", "GET", "x")))

	remove(`{"basepath":"/a","relpath":"/none"}`, failure("API deletion failure: path '/none' does not exist in the API"))
	remove(`{"basepath":"/a","relpath":"/c","operation":"PUT"}`, failure("API deletion failure: path '/c' with operation 'put' does not exist in the API"))
	remove(`{"basepath":"/none"}`, failure("API deletion failure: API '/none' does not exist."))
	remove(`{"operation":"get","basepath":"/a"}`, failure("When specifying an operation, the path is required."))
	remove(`{"relpath":"/b"}`, failure("basepath is required."))
	remove(`{"basepath":"/a","relpath":"/b","operation":"POST"}`, done)
	is("1 APIs, /a with 3 paths and 3 cases")
	remove(`{"basepath":"/a","relpath":"/b"}`, done)
	remove(`{"basepath":"/a","relpath":"/d"}`, done)
	is("1 APIs, /a with 1 paths and 1 cases")
	remove(`{"basepath":"/a","relpath":"/c","operation":"get"}`, done)
	is("0 APIs")
	if got := w.paths("other", "/a"); got != "1 APIs, /a with 1 paths and 1 cases" {
		t.Errorf("the API of another namespace is touched: %s", got)
	}
	remove(`{"basepath":"/a"}`, failure("API deletion failure: API '/a' does not exist."))
}

func TestListIsFilteredAndPaged(t *testing.T) {
	w := newWorld(t)
	for i, path := range []string{"/x", "/y", "/z"} {
		args := strings.Replace(endpoint(fmt.Sprint("/", i), path, "GET", "x"), `"apidoc":{`, fmt.Sprintf(`"apidoc":{"apiName":"Name %d",`, i%2), 1)
		created(t, w.as("guest", w.g.CreateAPI, args))
	}
	for args, want := range map[string]int{
		`{}`: 3, `{"limit":"2"}`: 2, `{"limit":2,"skip":"2"}`: 1, `{"limit":"0"}`: 3, `{"limit":0,"skip":1}`: 2, `{"limit":"x"}`: 3, `{"skip":-1}`: 3, `{"skip":9}`: 0,
		`{"basepath":"/1"}`: 1, `{"basepath":"Name 0"}`: 2, `{"basepath":"Name 0","relpath":"/z"}`: 1, `{"basepath":"/9"}`: 0,
		`{"relpath":"/y","operation":"GET"}`: 1, `{"relpath":"/y","operation":"put"}`: 0, `{"operation":"get"}`: 3,
	} {
		got := w.as("guest", w.g.GetAPI, args)
		if n := strings.Count(got, `"key":"Not Used"`); n != want || !strings.Contains(got, `"apis":[`) {
			t.Errorf("%s: %d APIs, want %d: %.200s", args, n, want, got)
		}
	}
}

func TestNobodyReachesTheAPIsOfOthers(t *testing.T) {
	w := newWorld(t)
	created(t, w.as("guest", w.g.CreateAPI, endpoint("/a", "/b", "GET", "x")))
	refused := failure("Invalid authentication.")
	same(t, "anonymous get", w.as("", w.g.GetAPI, `{"namespace":"guest"}`), refused)
	same(t, "anonymous delete", w.as("", w.g.DeleteAPI, `{"namespace":"guest","basepath":"/a"}`), refused)
	same(t, "in a binding", w.call("other", w.g.DeleteAPI, `{"__ow_method":"get","__ow_user":"guest","basepath":"/a"}`), refused)
	same(t, "forged", w.call("other", w.g.DeleteAPI, `{"__ow_user":"guest","basepath":"/a"}`), `{"error":"API deletion failure: API '/a' does not exist."}`)
	same(t, "by the system", w.call("whisk.system", w.g.DeleteAPI, `{"namespace":"guest","basepath":"/a"}`), `{}`)
}
