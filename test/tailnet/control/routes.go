package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"tailscale.com/tailcfg"
)

// offer approves what a node advertises where that goes by itself. The lock is held.
func (t *tailnet) offer(m *member, node *tailcfg.Node) {
	if t.autoApprove {
		m.approved = node.Hostinfo.RoutableIPs().AsSlice()
	}
	t.control.SetSubnetRoutes(m.key, enabled(m, node))
}

// approve replaces the approved routes of a node. The lock is held.
func (t *tailnet) approve(m *member, node *tailcfg.Node, routes []netip.Prefix) {
	m.approved = routes
	t.control.SetSubnetRoutes(m.key, enabled(m, node))
	t.changed()
}

// enabled are the routes that are both advertised and approved.
func enabled(m *member, node *tailcfg.Node) []netip.Prefix {
	advertised := node.Hostinfo.RoutableIPs().AsSlice()
	return slices.DeleteFunc(advertised, func(route netip.Prefix) bool { return !slices.Contains(m.approved, route) })
}

// rename names a node after its host, with a number when the name is taken. The lock is held.
func (t *tailnet) rename(node *tailcfg.Node, hostname string) {
	taken := map[string]bool{}
	for k := range t.members {
		if other := t.control.Node(k); other != nil && other.StableID != node.StableID {
			taken[other.Name] = true
		}
	}
	label := strings.ToLower(strings.ReplaceAll(hostname, ".", "-"))
	for n := 0; ; n++ {
		name := label
		if n > 0 {
			name = fmt.Sprintf("%s-%d", label, n)
		}
		node.Name = name + "." + t.options.Domain + "."
		if !taken[node.Name] {
			return
		}
	}
}

func texts(prefixes []netip.Prefix) []string {
	all := make([]string, 0, len(prefixes))
	for _, p := range prefixes {
		all = append(all, p.String())
	}
	return all
}
