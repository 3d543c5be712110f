package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"tailscale.com/tailcfg"
)

// mapFor is the network as a node sees it now; last when it has to leave.
func (t *tailnet) mapFor(asked *tailcfg.MapRequest, m *member) (response *tailcfg.MapResponse, last bool) {
	response, err := t.control.MapResponse(asked)
	if err != nil || response == nil {
		return nil, true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	response.ControlTime = &now
	own := response.Node
	own.User, own.KeyExpiry = t.userOf(m.login), m.expires
	t.allow(own, m)
	if t.members[m.key] != m {
		response.Peers = nil
		return response, true
	}
	if response.DNSConfig != nil {
		response.DNSConfig.CertDomains = []string{strings.TrimSuffix(own.Name, ".")}
	}
	if m.rules != nil {
		response.PacketFilter = append(slices.Clone(m.rules), grants(response.PacketFilter)...)
	}
	response.Peers = slices.DeleteFunc(response.Peers, func(p *tailcfg.Node) bool {
		peer := t.members[p.Key]
		if peer == nil || peer.stableID == m.stableID {
			return true
		}
		online := peer.stream != nil
		p.User, p.Online, p.KeyExpiry = t.userOf(peer.login), &online, peer.expires
		if !online {
			since := peer.lastSeen
			p.LastSeen = &since
		}
		return false
	})
	response.UserProfiles = t.profiles()
	return response, false
}

// grants are the rules that let no packet through but allow something, such as Funnel's way in.
func grants(rules []tailcfg.FilterRule) (all []tailcfg.FilterRule) {
	for _, rule := range rules {
		if len(rule.CapGrant) > 0 {
			all = append(all, rule)
		}
	}
	return all
}

// allow gives a node the attributes for HTTPS and Funnel. The lock is held.
func (t *tailnet) allow(own *tailcfg.Node, m *member) {
	own.CapMap, own.Capabilities = tailcfg.NodeCapMap{tailcfg.NodeAttrDisableUPnP: nil}, nil
	funnel := t.funnel
	if m.funnel != nil {
		funnel = *m.funnel
	}
	if funnel {
		own.CapMap[tailcfg.CapabilityHTTPS] = nil
		own.CapMap[tailcfg.NodeAttrFunnel] = nil
		own.CapMap[tailcfg.CapabilityFunnelPorts+"?ports=443,8443"] = nil
	}
	own.Capabilities = slices.Sorted(maps.Keys(own.CapMap))
}

// filterPresets are packet filters of a node by name; others are given as rules.
var filterPresets = map[string][]tailcfg.FilterRule{
	"all":     nil,
	"nothing": {},
	"tcp": {{
		SrcIPs:   []string{"*"},
		IPProto:  []int{6},
		DstPorts: []tailcfg.NetPortRange{{IP: "*", Ports: tailcfg.PortRangeAny}},
	}},
	"internet": {{SrcIPs: []string{"*"}, DstPorts: internet()}},
}

// internet is what the ACL language calls autogroup:internet.
func internet() (all []tailcfg.NetPortRange) {
	for _, ips := range []string{
		"0.0.0.0-9.255.255.255", "11.0.0.0-100.63.255.255", "100.128.0.0-169.253.255.255",
		"169.255.0.0-172.15.255.255", "172.32.0.0-192.167.255.255", "192.169.0.0-255.255.255.255", "2000::/3",
	} {
		all = append(all, tailcfg.NetPortRange{IP: ips, Ports: tailcfg.PortRangeAny})
	}
	return all
}

// readFilter reads the name of a preset or rules.
func readFilter(raw json.RawMessage) (rules []tailcfg.FilterRule, ok bool) {
	var name string
	if json.Unmarshal(raw, &name) == nil {
		rules, ok = filterPresets[name]
		return rules, ok
	}
	return rules, json.Unmarshal(raw, &rules) == nil && rules != nil
}
