package certificate

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"time"
)

// early is how much a certificate begins before now: clocks differ.
const early = time.Hour

// newAuthority makes a key and a certificate that signs others.
func newAuthority(now time.Time) (certPEM, keyPEM []byte, err error) {
	template, err := newTemplate("gowhisk", now, authorityLife)
	if err != nil {
		return nil, nil, err
	}
	template.KeyUsage, template.IsCA, template.MaxPathLenZero = x509.KeyUsageCertSign, true, true
	// Several servers of one machine do not pass for one another.
	template.Subject.SerialNumber = template.SerialNumber.Text(16)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	certPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return certPEM, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), nil
}

// sign makes a certificate for names, with that of the authority behind it.
func sign(authority tls.Certificate, names []string, now time.Time) (tls.Certificate, error) {
	template, err := newTemplate(names[0], now, leafLife)
	if err != nil {
		return tls.Certificate{}, err
	}
	template.KeyUsage, template.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
			continue
		}
		template.DNSNames = append(template.DNSNames, name)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	signer := authority.PrivateKey.(crypto.Signer) //nolint:errcheck // every private key of package tls is one
	der, err := x509.CreateCertificate(rand.Reader, template, authority.Leaf, key.Public(), signer)
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf, err := x509.ParseCertificate(der)
	return tls.Certificate{Certificate: [][]byte{der, authority.Certificate[0]}, PrivateKey: key, Leaf: leaf}, err
}

func newTemplate(name string, now time.Time, life time.Duration) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-early), NotAfter: now.Add(life), BasicConstraintsValid: true,
	}, nil
}
