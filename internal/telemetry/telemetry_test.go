package telemetry_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoke"
	"github.com/gowhisk/gowhisk/internal/invoker"
	"github.com/gowhisk/gowhisk/internal/telemetry"
)

var (
	_ invoke.Observer        = (*telemetry.Metrics)(nil)
	_ containerpool.Observer = (*telemetry.Metrics)(nil)
)

func scrape(t *testing.T, m *telemetry.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func filled() *telemetry.Metrics {
	m := telemetry.New("1.2.3")
	m.Gauge("pool_waiting", "Activations that wait for a container.", func() float64 { return 7 })
	m.Request("POST /api/v1/namespaces/{ns}/actions/{name}", "POST", 200, 3*time.Millisecond)
	m.Request("", "BREW", 404, time.Millisecond)
	m.ContainerStarted("nodejs:20", "cold", 40*time.Millisecond)
	m.ContainerDestroyed("nodejs:20", "idle")
	a := &entity.Activation{Response: entity.Response{Status: entity.ApplicationError}}
	m.ActivationEnded(a, &invoker.Result{Start: invoker.Cold, Wait: time.Millisecond, Init: 2 * time.Millisecond, Duration: 5 * time.Millisecond})
	m.ActivationEnded(&entity.Activation{}, nil)
	return m
}

func TestEveryEventIsCountedUnderItsLabels(t *testing.T) {
	text := scrape(t, filled())
	for _, want := range []string{
		`gowhisk_http_requests_total{method="POST",route="POST /api/v1/namespaces/{ns}/actions/{name}",status="200"} 1`,
		`gowhisk_http_requests_total{method="other",route="none",status="404"} 1`,
		`gowhisk_activations_total{start="cold",status="application error"} 1`,
		`gowhisk_activations_total{start="none",status="success"} 1`,
		`gowhisk_activation_phase_seconds_count{phase="init",start="cold"} 1`,
		`gowhisk_activation_phase_seconds_sum{phase="run",start="cold"} 0.003`,
		`gowhisk_container_start_seconds_count{kind="nodejs:20",start="cold"} 1`,
		`gowhisk_containers_destroyed_total{kind="nodejs:20",reason="idle"} 1`,
		`gowhisk_pool_waiting 7`,
		`gowhisk_info{version="1.2.3"} 1`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("missing: %s", want)
		}
	}
}

func TestMetricsFollowTheConventionsOfPrometheus(t *testing.T) {
	problems, err := promlint.New(strings.NewReader(scrape(t, filled()))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "gowhisk_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

func BenchmarkWarmActivation(b *testing.B) {
	m := telemetry.New("dev")
	a, r := &entity.Activation{}, &invoker.Result{Start: invoker.Warm, Wait: time.Microsecond, Duration: time.Millisecond}
	b.ReportAllocs()
	for b.Loop() {
		m.ActivationEnded(a, r)
	}
}
