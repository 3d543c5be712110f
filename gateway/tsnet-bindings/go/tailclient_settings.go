package main

import (
	"errors"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"

	"tailscale.com/ipn"
)

// check completes the settings, so that none is taken from the environment, and yields the exit node's address.
func (s *tailnetClientSettings) check() (netip.Addr, error) {
	if s.AuthKey == "" {
		return netip.Addr{}, joinFault{"setup", "a node needs an auth key"}
	}
	if err := checkOwnNode(s.StateDir, s.Hostname, s.AuthKey, &s.ControlURL); err != nil {
		return netip.Addr{}, err
	}
	exitNode, err := netip.ParseAddr(s.ExitNode)
	if err != nil {
		return netip.Addr{}, joinFault{"setup", "the gateway's address is not an IP address"}
	}
	return exitNode, nil
}

// checkOwnNode checks what every node of this process needs, and completes the control server.
func checkOwnNode(stateDir, hostname, authKey string, controlURL *string) error {
	if !filepath.IsAbs(stateDir) {
		return joinFault{"setup", "the state directory is not an absolute path"}
	}
	if hostname == "" {
		return joinFault{"setup", "a node needs a name"}
	}
	// the library would go and exchange it for an auth key
	if strings.HasPrefix(authKey, "tskey-client-") {
		return joinFault{"setup", "an OAuth client's secret is no auth key"}
	}
	if *controlURL == "" {
		*controlURL = ipn.DefaultControlURL
	}
	if err := checkControlURL(*controlURL); err != nil {
		return joinFault{"setup", err.Error()}
	}
	return nil
}

// checkControlURL refuses what tailscale would follow to somewhere else: with an address it cannot use it asks its
// own servers on the internet.
func checkControlURL(text string) error {
	parsed, err := url.Parse(text)
	if err != nil || (parsed.Scheme != "https" && parsed.Scheme != "http") || parsed.Hostname() == "" {
		return errors.New("the control server's address is not an http(s) URL")
	}
	if parsed.User != nil {
		return errors.New("the control server's address contains credentials")
	}
	return nil
}
