// Package telemetry counts what happens and serves it to Prometheus. It
// implements the observer interfaces that the packages below declare; they
// know nothing of metrics. Labels have few values: no namespace, no action.
package telemetry

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoker"
)

// Metrics is one registry with everything that is counted. It observes
// requests, activations and containers; make it with New.
type Metrics struct {
	registry    *prometheus.Registry
	requests    *prometheus.CounterVec
	latency     *prometheus.HistogramVec
	activations *prometheus.CounterVec
	phases      *prometheus.HistogramVec
	starts      *prometheus.HistogramVec
	destroyed   *prometheus.CounterVec
}

// New makes the registry; version is shown as the label of gowhisk_info.
func New(version string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: counter("http_requests_total", "Requests by method, route and status.", "method", "route", "status"),
		latency:  histogram("http_request_duration_seconds", "Time to answer a request, by route.", slow(), "route"),
		activations: counter("activations_total",
			"Ended activations by status and by how warm the container was.", "status", "start"),
		phases: histogram("activation_phase_seconds",
			"Parts of an activation: wait for a container, init, run; by how warm the container was.", fast(), "phase", "start"),
		starts:    histogram("container_start_seconds", "Time to make a container, by kind and start.", fast(), "kind", "start"),
		destroyed: counter("containers_destroyed_total", "Destroyed containers by kind and reason.", "kind", "reason"),
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: "gowhisk", Name: "info", Help: "The running program.", ConstLabels: prometheus.Labels{"version": version},
	})
	info.Set(1)
	m.registry.MustRegister(m.requests, m.latency, m.activations, m.phases, m.starts, m.destroyed, info,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler serves the registry in the format that Prometheus reads.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// Gauge adds a value that is read when it is asked for; read must be quick.
func (m *Metrics) Gauge(name, help string, read func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "gowhisk", Name: name, Help: help}, read))
}

// Request counts an answered request. route is the pattern that matched, ""
// if none did.
func (m *Metrics) Request(route, method string, status int, took time.Duration) {
	if route == "" {
		route = "none"
	}
	m.requests.WithLabelValues(known(method), route, strconv.Itoa(status)).Inc()
	m.latency.WithLabelValues(route).Observe(took.Seconds())
}

// ActivationEnded counts an activation. r is nil if no container had part in
// it, as for triggers and sequences.
func (m *Metrics) ActivationEnded(a *entity.Activation, r *invoker.Result) {
	if r == nil {
		m.activations.WithLabelValues(a.Response.Status.String(), "none").Inc()
		return
	}
	start := string(r.Start)
	m.activations.WithLabelValues(a.Response.Status.String(), start).Inc()
	m.phases.WithLabelValues("wait", start).Observe(r.Wait.Seconds())
	if r.Init > 0 {
		m.phases.WithLabelValues("init", start).Observe(r.Init.Seconds())
	}
	m.phases.WithLabelValues("run", start).Observe((r.Duration - r.Init).Seconds())
}

// ContainerStarted counts a container that was made.
func (m *Metrics) ContainerStarted(kind, start string, took time.Duration) {
	m.starts.WithLabelValues(kind, start).Observe(took.Seconds())
}

// ContainerDestroyed counts a container that ended.
func (m *Metrics) ContainerDestroyed(kind, reason string) {
	m.destroyed.WithLabelValues(kind, reason).Inc()
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "gowhisk", Name: name, Help: help}, labels)
}

func histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "gowhisk", Name: name, Help: help, Buckets: buckets}, labels)
}

// fast are bounds from 0.1 ms to about 50 s, for what a sandbox does.
func fast() []float64 { return prometheus.ExponentialBuckets(0.0001, 3, 13) }

// slow are bounds from 1 ms to about 65 s, for what a client waits.
func slow() []float64 { return prometheus.ExponentialBuckets(0.001, 2, 17) }

// known keeps strange methods from making labels without end.
func known(method string) string {
	switch method {
	case http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete, http.MethodHead, http.MethodOptions, http.MethodPatch:
		return method
	}
	return "other"
}
