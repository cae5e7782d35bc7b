package knative_test

import (
	"crypto/x509"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/backend/knative"
	"github.com/gowhisk/gowhisk/internal/entity"
)

func TestServicesBehindHTTPSNeedAKnownAuthority(t *testing.T) {
	pods := httptest.NewTLSServer(answering(200, `{"a":1}`, ""))
	t.Cleanup(pods.Close)
	for name, known := range map[string]bool{"known": true, "unknown": false} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, answering(200, `{}`, ""))
			c.address = pods.URL
			roots := x509.NewCertPool()
			if known {
				roots.AddCert(pods.Certificate())
			}
			b := startWith(t, c, having(action()), func(o *knative.Options) { o.Roots = roots })
			began := time.Now()
			r, err := b.Invoke(t.Context(), message(action()))
			if known && (err != nil || string(r.Response.Result) != `{"a":1}`) {
				t.Errorf("%+v, %v", r, err)
			}
			if !known && (err == nil || entity.KindOf(err) != entity.Internal || !strings.Contains(err.Error(), "knative.ca") || time.Since(began) > 30*time.Second) {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
}
