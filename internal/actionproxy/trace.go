package actionproxy

import (
	"context"
	"log/slog"
	"net/http"
	"time"
)

// Trace tells of every request that h serves. Nothing of it is there unless it is asked for.
func Trace(h http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		log.Info("request", "method", r.Method, "path", r.URL.Path, "type", r.Header.Get("Content-Type"), "length", r.ContentLength)
		s := &statusWriter{ResponseWriter: w}
		h.ServeHTTP(s, r)
		log.Info("answer", "method", r.Method, "path", r.URL.Path, "status", s.status, "length", s.length,
			"activation", w.Header().Get("X-Openwhisk-Activation-Id"), "took", time.Since(begin))
	})
}

// statusWriter notes what is answered.
type statusWriter struct {
	http.ResponseWriter
	status, length int
}

func (s *statusWriter) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

func (s *statusWriter) Write(b []byte) (int, error) {
	n, err := s.ResponseWriter.Write(b)
	s.length += n
	return n, err
}

// TraceRuntime tells of everything that rt is asked for. No argument and no code is shown.
func TraceRuntime(rt Runtime, log *slog.Logger) Runtime { return tracedRuntime{rt, log} }

type tracedRuntime struct {
	Runtime
	log *slog.Logger
}

func (t tracedRuntime) Start(ctx context.Context) error {
	begin := time.Now()
	err := t.Runtime.Start(ctx)
	t.log.Info("start runtime", "took", time.Since(begin), "error", err)
	return err
}

func (t tracedRuntime) Init(ctx context.Context, a *Action) (Answer, error) {
	begin := time.Now()
	answer, err := t.Runtime.Init(ctx, a)
	t.log.Info("init", "action", a.FullName(), "main", a.Main, "code", len(a.Code), "binary", a.Binary,
		"took", time.Since(begin), "status", answer.Status, "error", err)
	return answer, err
}

func (t tracedRuntime) Run(ctx context.Context, id string, body []byte) (Answer, Logs, error) {
	begin := time.Now()
	answer, logs, err := t.Runtime.Run(ctx, id, body)
	t.log.Info("run", "activation", id, "length", len(body), "took", time.Since(begin), "status", answer.Status,
		"result", answer.Length, "lines", len(logs.Lines), "error", err)
	return answer, logs, err
}
