package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"time"

	"tailscale.com/tsnet"
)

// listenFunnel echoes what comes in through Funnel, with a certificate made here: there is no ACME in a test.
func (n *node) listenFunnel(port int, name string) error {
	certificate, err := selfSigned(name)
	if err != nil {
		return err
	}
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	listener, err := n.server.ListenFunnel("tcp", fmt.Sprintf(":%d", port), tsnet.FunnelOnly(), tsnet.FunnelTLSConfig(config))
	if err != nil {
		return err
	}
	go echo(listener)
	return nil
}

func selfSigned(name string) (tls.Certificate, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}, err
}
