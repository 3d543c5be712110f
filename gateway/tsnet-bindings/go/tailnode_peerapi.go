package main

import (
	"net/netip"
	"slices"

	"tailscale.com/net/packet"
	"tailscale.com/net/tstun"
	"tailscale.com/tailcfg"
	"tailscale.com/types/ipproto"
	"tailscale.com/wgengine/filter"
)

// closePeerAPI keeps other nodes off the library's own server. An exit node's answers their DNS queries with the
// resolvers of its host: past the device, its profile and the record. Only what brings Funnel in may go there.
func (n *tailnetNode) closePeerAPI() {
	device := n.server.Sys().Tun.Get()
	before := device.PreFilterPacketInboundFromWireGuard
	device.PreFilterPacketInboundFromWireGuard = func(p *packet.Parsed, w *tstun.Wrapper) filter.Response {
		if n.isForPeerAPI(p) && !n.bringsFunnel(p.Src.Addr()) {
			return filter.DropSilently
		}
		if before != nil {
			return before(p, w)
		}
		return filter.Accept
	}
}

func (n *tailnetNode) isForPeerAPI(p *packet.Parsed) bool {
	if p.IPProto != ipproto.TCP {
		return false
	}
	port, found := n.backend.GetPeerAPIPort(p.Dst.Addr())
	return found && port == p.Dst.Port()
}

func (n *tailnetNode) bringsFunnel(from netip.Addr) bool {
	n.mu.Lock()
	isOpen := slices.ContainsFunc(n.ports(), func(p *ownPort) bool { return p.isFunnel })
	n.mu.Unlock()
	return isOpen && n.backend.PeerCaps(from).HasCapability(tailcfg.PeerCapabilityIngress)
}
