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
	if !filepath.IsAbs(s.StateDir) {
		return netip.Addr{}, joinFault{"setup", "the state directory is not an absolute path"}
	}
	if s.AuthKey == "" || s.Hostname == "" {
		return netip.Addr{}, joinFault{"setup", "a node needs an auth key and a name"}
	}
	// the library would go and exchange it for an auth key
	if strings.HasPrefix(s.AuthKey, "tskey-client-") {
		return netip.Addr{}, joinFault{"setup", "an OAuth client's secret is no auth key"}
	}
	if s.ControlURL == "" {
		s.ControlURL = ipn.DefaultControlURL
	}
	if err := checkControlURL(s.ControlURL); err != nil {
		return netip.Addr{}, joinFault{"setup", err.Error()}
	}
	exitNode, err := netip.ParseAddr(s.ExitNode)
	if err != nil {
		return netip.Addr{}, joinFault{"setup", "the gateway's address is not an IP address"}
	}
	return exitNode, nil
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
