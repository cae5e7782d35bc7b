package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The types of webhooks.
const (
	TypeStandard = "standard"
	TypeGitHub   = "github"
)

const (
	maxClockSkew  = 5 * time.Minute // between the sender's clock and ours
	maxID         = 256             // bytes of a delivery id
	maxSignatures = 8               // of one request: senders may be changing their secret
	secretPrefix  = "whsec_"        // before base64, as the specification writes secrets
)

// verify returns the id of a delivery that is signed with the webhook's
// secret.
func (h *hook) verify(header http.Header, body []byte, now time.Time) (id string, ok bool) {
	if h.Type == TypeGitHub {
		id = header.Get("X-GitHub-Delivery")
		mac, err := hex.DecodeString(strings.TrimPrefix(header.Get("X-Hub-Signature-256"), "sha256="))
		ok = err == nil && hmac.Equal(mac, h.mac(body))
	} else {
		id = header.Get("Webhook-Id")
		ok = h.verifyStandard(id, header, body, now)
	}
	return id, ok && id != "" && len(id) <= maxID
}

func (h *hook) verifyStandard(id string, header http.Header, body []byte, now time.Time) bool {
	stamp := header.Get("Webhook-Timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > maxClockSkew {
		return false
	}
	want := h.mac([]byte(id), []byte("."), []byte(stamp), []byte("."), body)
	for i, signature := range strings.Fields(header.Get("Webhook-Signature")) {
		encoded, ok := strings.CutPrefix(signature, "v1,")
		if !ok || i >= maxSignatures {
			continue
		}
		if mac, err := base64.StdEncoding.DecodeString(encoded); err == nil && hmac.Equal(mac, want) {
			return true
		}
	}
	return false
}

// mac is the HMAC-SHA256 over the parts.
func (h *hook) mac(parts ...[]byte) []byte {
	key := []byte(h.Secret)
	if encoded, ok := strings.CutPrefix(h.Secret, secretPrefix); ok && h.Type == TypeStandard {
		if raw, err := base64.StdEncoding.DecodeString(encoded); err == nil {
			key = raw
		}
	}
	m := hmac.New(sha256.New, key)
	for _, part := range parts {
		m.Write(part)
	}
	return m.Sum(nil)
}
