package admin

import (
	"crypto/rand"
	"fmt"
	"regexp"
	"strings"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// keyLength is that of every generated key. OpenWhisk 6.1.2.
const keyLength = 64

// NewNamespace returns a namespace with a new random identity.
func NewNamespace(name string) entity.Namespace {
	return entity.Namespace{Name: name, UUID: newUUID(), Key: newKey()}
}

// newUUID returns a random UUID of RFC 4122, version 4.
func newUUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: the program ends first
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// newKey returns keyLength letters and digits, each as likely as any other.
func newKey() string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	key := make([]byte, 0, keyLength)
	var b [keyLength]byte
	for len(key) < keyLength {
		rand.Read(b[:])
		for _, v := range b {
			if v &= 63; int(v) < len(alphabet) && len(key) < keyLength {
				key = append(key, alphabet[v])
			}
		}
	}
	return string(key)
}

// parseKey reads uuid:key as the identity of a namespace. refusal is the
// text for the operator, empty if the key is well formed.
func parseKey(namespace, auth string) (n entity.Namespace, refusal string) {
	uuid, key, ok := strings.Cut(auth, ":")
	switch {
	case !regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`).MatchString(uuid):
		return n, "authorization id is not a valid UUID"
	case !ok:
		return n, "failed to determine authorization id and key: a colon is missing"
	case len(key) < keyLength:
		return n, "authorization key must be at least 64 characters long"
	}
	return entity.Namespace{Name: namespace, UUID: strings.ToLower(uuid), Key: key}, ""
}
