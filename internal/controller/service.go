package controller

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// infoPath is where wsk's project commands look for the kinds before they look
// at the root; they cannot do without if the answer is an error.
const infoPath = "/api/info"

// serviceRoutes are those that say what this is. OpenWhisk 1.1.
func (c *Controller) serviceRoutes() {
	c.handle("GET /{$}", c.describe)
	c.handle("GET "+infoPath, c.describe)
	c.handle("GET /ping", func(x *exchange) error { return x.send(http.StatusOK, textPlain, []byte("pong")) })
	c.handle("GET "+apiPath, c.getAPI)
	c.handle("GET "+apiPath+"/{$}", c.getAPI)
	if c.cfg.Metrics != nil {
		c.handle("GET /metrics", func(x *exchange) error {
			c.cfg.Metrics.ServeHTTP(x, x.r)
			return nil
		})
	}
}

// describe says what this server is. OpenWhisk 1.1.2–1.1.4.
func (c *Controller) describe(x *exchange) error {
	kinds, err := c.cfg.Manifest(x.r.Context())
	if err != nil {
		return fmt.Errorf("read the kinds: %w", err)
	}
	s := c.cfg.Entitlement.Settings()
	r := s.Limits
	return x.json(http.StatusOK, struct {
		Description string            `json:"description"`
		Support     map[string]string `json:"support"`
		Paths       []string          `json:"api_paths"`
		Limits      map[string]int64  `json:"limits"`
		Runtimes    json.Marshaler    `json:"runtimes"`
	}{
		"OpenWhisk",
		map[string]string{"github": "https://github.com/gowhisk/gowhisk/issues", "slack": ""},
		[]string{apiPath},
		map[string]int64{
			"actions_per_minute":          int64(s.InvocationsPerMinute),
			"triggers_per_minute":         int64(s.FiresPerMinute),
			"concurrent_actions":          int64(s.ConcurrentInvocations),
			"sequence_length":             int64(s.SequenceLength),
			"default_min_action_duration": r.MinTimeout.Milliseconds(),
			"default_max_action_duration": r.MaxTimeout.Milliseconds(),
			"default_min_action_memory":   r.MinMemory * entity.MB,
			"default_max_action_memory":   r.MaxMemory * entity.MB,
			"default_min_action_logs":     r.MinLogs * entity.MB,
			"default_max_action_logs":     r.MaxLogs * entity.MB,
			"min_action_duration":         r.MinTimeout.Milliseconds(),
			"max_action_duration":         r.MaxTimeout.Milliseconds(),
			"min_action_memory":           r.MinMemory * entity.MB,
			"max_action_memory":           r.MaxMemory * entity.MB,
			"min_action_logs":             r.MinLogs * entity.MB,
			"max_action_logs":             r.MaxLogs * entity.MB,
		},
		kinds,
	})
}

// getAPI describes the API. OpenWhisk 1.1.7.
func (c *Controller) getAPI(x *exchange) error {
	return x.json(http.StatusOK, struct {
		Description string            `json:"description"`
		Version     string            `json:"api_version"`
		VersionPath string            `json:"api_version_path"`
		Build       string            `json:"build"`
		BuildNo     string            `json:"buildno"`
		Swagger     map[string]string `json:"swagger_paths"`
	}{
		"OpenWhisk API", "1.0.0", "v1", c.cfg.Build.Date, c.cfg.Build.Number,
		map[string]string{"ui": "/docs", "api-docs": "/api-docs"},
	})
}
