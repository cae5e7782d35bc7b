package controller_test

import "testing"

func TestServiceRoutesSayWhatThisIs(t *testing.T) {

	run(t, newAPI(t), []scenario{
		{Name: "root", Method: "GET", URL: "/", Headers: anyone, Status: 200, Contains: []string{
			`"description":"OpenWhisk"`, `"api_paths":["/api/v1"]`, `"support":{"github":`, `"slack":`,
			`"actions_per_minute":`, `"triggers_per_minute":60`, `"concurrent_actions":30`, `"sequence_length":50`,
			`"min_action_duration":100`, `"max_action_duration":300000`, `"default_max_action_duration":300000`, `"min_action_memory":134217728`,
			`"max_action_memory":536870912`, `"max_action_logs":10485760`, `"min_action_logs":0`, `"default_max_action_logs":10485760`,
			`"runtimes":{"java":[{"kind":"java:8","image":"java","deprecated":false,"default":true,"attached":true,"requireMain":true}]`,
		}},
		{Name: "root where wsk project looks for it", Method: "GET", URL: "/api/info", Headers: anyone, Status: 200, Contains: []string{`"description":"OpenWhisk"`, `"runtimes":{"java":[{"kind":"java:8",`}},
		{Name: "ping", Method: "GET", URL: "/ping", Headers: anyone, Status: 200, Contains: []string{"pong"}},
		{Name: "metrics", Method: "GET", URL: "/metrics", Headers: anyone, Status: 200, Contains: []string{"metric 1"}},
		{Name: "api", Method: "GET", URL: "/api/v1", Headers: anyone, Status: 200, Contains: []string{
			`{"description":"OpenWhisk API","api_version":"1.0.0","api_version_path":"v1","build":"today","buildno":"7","swagger_paths":{"api-docs":"/api-docs","ui":"/docs"}}`,
		}},
		{Name: "api with slash", Method: "GET", URL: "/api/v1/", Headers: anyone, Status: 200, Contains: []string{"OpenWhisk API"}},
		{Name: "unknown at the root", Method: "GET", URL: "/foo", Headers: anyone, Status: 404, Contains: []string{"The requested resource could not be found."}},
		{Name: "post to root", Method: "POST", URL: "/", Headers: anyone, Status: 405, Contains: []string{"HTTP method not allowed, supported methods: GET, HEAD"}},
		{Name: "options at the root", Method: "OPTIONS", URL: "/foo", Headers: anyone, Status: 200},
		{Name: "invokers", Method: "GET", URL: "/invokers", Headers: anyone, Status: 200, Contains: []string{`{"invoker0/0":"up"}`}},
		{Name: "healthy count", Method: "GET", URL: "/invokers/healthy/count", Headers: anyone, Status: 200, Contains: []string{`1`}},
		{Name: "ready", Method: "GET", URL: "/invokers/ready", Headers: anyone, Status: 200, Contains: []string{`{"healthy":"1/1"}`}},
	})
	for want, states := range map[string]map[string]string{
		`{"unhealthy":"1/2"}`: {"invoker0/0": "up", "invoker1/1": "unhealthy"}, `{"unhealthy":"0/0"}`: {},
	} {
		run(t, newAPI(t, func(a *api) { a.states = states }), []scenario{
			{Name: "not ready", Method: "GET", URL: "/invokers/ready", Headers: anyone, Status: 500, Contains: []string{want}},
		})
	}
}
