package main

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"

	"tailscale.com/ipn/ipnstate"
	"tailscale.com/tailcfg"
)

// nodeAt yields the stable id of the node behind an address, empty for none. It is looked up each time: an address
// may be another node's a moment later.
func (n *tailnetNode) nodeAt(address netip.Addr) string {
	if n.isStopped() {
		return ""
	}
	found, _, ok := n.backend.WhoIs("", netip.AddrPortFrom(address, 0))
	if !ok {
		return ""
	}
	return string(found.StableID())
}

type nodeFacts struct {
	StableID  string   `json:"stableId"`
	Name      string   `json:"name"`
	Hostname  string   `json:"hostname"`
	User      *string  `json:"user"`
	Tags      []string `json:"tags"`
	Addresses []string `json:"addresses"`
}

// whois answers "null" for an address that is nobody's.
func (n *tailnetNode) whois(text string) (string, error) {
	address, err := netip.ParseAddr(text)
	if err != nil {
		return "", errors.New("not an IP address")
	}
	found, user, ok := n.backend.WhoIs("", netip.AddrPortFrom(address, 0))
	if !ok {
		return "null", nil
	}
	// what the control server calls it: where it has no such name the library would put the machine's own claim
	name, _, _ := strings.Cut(found.Name(), ".")
	facts := nodeFacts{StableID: string(found.StableID()), Name: name, Tags: found.Tags().AsSlice()}
	if info := found.Hostinfo(); info.Valid() {
		facts.Hostname = info.Hostname()
	}
	if len(facts.Tags) == 0 {
		facts.Tags = []string{}
		facts.User = loginOf(user)
	}
	for _, prefix := range found.Addresses().All() {
		facts.Addresses = append(facts.Addresses, prefix.Addr().String())
	}
	return asJSON(facts), nil
}

func loginOf(user tailcfg.UserProfile) *string {
	if user.LoginName == "" {
		return nil
	}
	return &user.LoginName
}

type nodeStatus struct {
	State          string   `json:"state"`
	Addresses      []string `json:"addresses"`
	Name           string   `json:"name"`
	StableID       string   `json:"stableId"`
	CertDomains    []string `json:"certDomains"`
	Health         []string `json:"health"`
	ApprovedRoutes []string `json:"approvedRoutes"`
}

func (n *tailnetNode) status(ctx context.Context) (string, error) {
	found, err := n.client.Status(ctx)
	if err != nil {
		return "", err
	}
	described := nodeStatus{
		State:          found.BackendState,
		Addresses:      textsOf(found.TailscaleIPs),
		CertDomains:    append([]string{}, found.CertDomains...),
		Health:         append([]string{}, found.Health...),
		ApprovedRoutes: n.approved(found.Self),
	}
	if found.Self != nil {
		described.Name = strings.TrimSuffix(found.Self.DNSName, ".")
		described.StableID = string(found.Self.ID)
	}
	return asJSON(described), nil
}

// approved yields the prefixes that are both offered and let through by the tailnet.
func (n *tailnetNode) approved(self *ipnstate.PeerStatus) []string {
	routes := []string{}
	if self == nil || self.AllowedIPs == nil {
		return routes
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, prefix := range self.AllowedIPs.All() {
		if slices.Contains(n.routes, prefix) {
			routes = append(routes, prefix.String())
		}
	}
	return routes
}

// endpoints yields where each node is reached directly now, by its stable id. One that a relay carries, or that has
// been quiet for a while, is left out: where it is cannot be seen.
func (n *tailnetNode) endpoints(ctx context.Context) (string, error) {
	found, err := n.client.Status(ctx)
	if err != nil {
		return "", err
	}
	seen := map[string]string{}
	for _, peer := range found.Peer {
		if peer.CurAddr != "" {
			seen[string(peer.ID)] = peer.CurAddr
		}
	}
	return asJSON(seen), nil
}

func textsOf(addresses []netip.Addr) []string {
	texts := []string{}
	for _, address := range addresses {
		texts = append(texts, address.String())
	}
	return texts
}

// endNode ends everything that runs for a node, from whichever of its addresses.
func (n *tailnetNode) endNode(stableID string) {
	abortFlows(func(f *flow) bool { return f.owner == transport(n) && f.node == stableID })
	abortDatagrams(func(d *datagramFlow) bool { return d.owner == transport(n) && d.node == stableID })
	n.mu.Lock()
	ports := n.ports()
	n.mu.Unlock()
	for _, port := range ports {
		port.endNode(stableID)
	}
}
