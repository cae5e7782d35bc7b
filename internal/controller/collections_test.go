package controller_test

import "testing"

func TestTriggersAndRulesThatAreNotThereAreNotFound(t *testing.T) {
	const gone = `{"error":"The requested resource does not exist.","code":"`
	const foreign = `{"error":"The supplied authentication is not authorized to access 'other/x'.","code":"`
	const mistaken = `{"error":"Resource by this name exists but is not in this collection.","code":"`
	a := newAPI(t)
	a.put(t, "hello", hello)
	for _, of := range []string{"triggers", "rules"} {
		run(t, a, []scenario{
			{Name: of + " list", Method: "GET", URL: ns + of, Status: 200, Contains: []string{"[]"}},
			{Name: of + " count", Method: "GET", URL: ns + of + "/?count=true", Status: 200, Contains: []string{`{"` + of + `":0}`}},
			{Name: of + " get", Method: "GET", URL: ns + of + "/x", Status: 404, Contains: []string{gone}},
			{Name: of + " delete", Method: "DELETE", URL: ns + of + "/x", Status: 404, Contains: []string{gone}},
			{Name: of + " illegal name", Method: "PUT", URL: ns + of + "/$", Body: "{}", Status: 400, Contains: []string{"The name of the entity contains illegal characters."}},
			{Name: of + " with an action's name", Method: "GET", URL: ns + of + "/hello", Status: 409, Contains: []string{mistaken}},
			{Name: of + " create with an action's name", Method: "PUT", URL: ns + of + "/hello?overwrite=true", Body: "{}", Status: 409, Contains: []string{mistaken}},
			{Name: of + " delete with an action's name", Method: "DELETE", URL: ns + of + "/hello", Status: 409, Contains: []string{mistaken}},
			{Name: of + " post with an action's name", Method: "POST", URL: ns + of + "/hello", Body: `{"status":"active"}`, Status: 409, Contains: []string{mistaken}},
			{Name: of + " foreign", Method: "GET", URL: "/api/v1/namespaces/other/" + of + "/x", Status: 403, Contains: []string{foreign}},
			{Name: of + " foreign create", Method: "PUT", URL: "/api/v1/namespaces/other/" + of + "/x", Body: "{}", Status: 403, Contains: []string{foreign}},
			{Name: of + " foreign delete", Method: "DELETE", URL: "/api/v1/namespaces/other/" + of + "/x", Status: 403, Contains: []string{foreign}},
			{Name: of + " foreign post", Method: "POST", URL: "/api/v1/namespaces/other/" + of + "/x", Body: `{"status":"active"}`, Status: 403, Contains: []string{foreign}},
		})
	}
	run(t, a, []scenario{
		{Name: "fire", Method: "POST", URL: ns + "triggers/x", Body: "{}", Status: 404, Contains: []string{gone}},
		{Name: "enable", Method: "POST", URL: ns + "rules/x", Body: `{"status":"active"}`, Status: 404, Contains: []string{gone}},
		{Name: "activate a package", Method: "POST", URL: ns + "packages/x", Body: "{}", Status: 405, Contains: []string{"supported methods: DELETE, GET, HEAD, PUT"}},
	})
}
