package auth

import "encoding/base64"

const (
	uuidLength = 36
	keyLength  = 64
	scheme     = "basic "
)

// credentials are "uuid:key", decoded on the stack.
type credentials [uuidLength + 1 + keyLength]byte

func (c *credentials) uuid() []byte { return c[:uuidLength] }

func (c *credentials) key() []byte { return c[uuidLength+1:] }

// parse reads an Authorization header and reports whether it holds
// credentials of the right shape. OpenWhisk 1.3.1, 1.3.3.
func (c *credentials) parse(authorization string) bool {
	if len(authorization) < len(scheme) || !equalFold(authorization[:len(scheme)], scheme) {
		return false
	}
	var encoded [(len(credentials{}) + 2) / 3 * 4]byte
	var raw [len(encoded) / 4 * 3]byte
	if copy(encoded[:], authorization[len(scheme):]) != len(authorization)-len(scheme) {
		return false
	}
	n, err := base64.StdEncoding.Decode(raw[:], encoded[:len(authorization)-len(scheme)])
	if err != nil || n != len(c) {
		return false
	}
	copy(c[:], raw[:n])
	return c[uuidLength] == ':' && isUUID(c.uuid())
}

// equalFold compares with lower, which is ASCII in lower case.
func equalFold(s, lower string) bool {
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

func isUUID(s []byte) bool {
	for i, c := range s {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		hex := '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
		if dash != (c == '-') || !dash && !hex {
			return false
		}
	}
	return true
}
