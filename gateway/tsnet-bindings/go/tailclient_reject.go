package main

import (
	"net/netip"

	"tailscale.com/net/packet"
	"tailscale.com/types/ipproto"
)

const (
	// RFC 792 and RFC 4443: administratively prohibited, which ends a connect at once
	prohibited4 = packet.ICMP4Code(13)
	prohibited6 = packet.ICMP6Code(1)
	// tunRoom is what a TUN device needs in front of a packet.
	tunRoom = 16
)

// rejection is the answer to a packet that is not let through, with tunRoom bytes in front; nil where none is due.
func rejection(dropped []byte) []byte {
	var parsed packet.Parsed
	parsed.Decode(dropped)
	if parsed.IPProto != ipproto.TCP && parsed.IPProto != ipproto.UDP {
		return nil
	}
	from, to := parsed.Dst.Addr(), parsed.Src.Addr()
	// four unused bytes, then the start of what was dropped
	quoted := append(make([]byte, 4), dropped[:min(len(dropped), quotedBytes(to))]...)
	if to.Is4() {
		header := packet.ICMP4Header{
			IP4Header: packet.IP4Header{IPProto: ipproto.ICMPv4, Src: from, Dst: to},
			Type:      packet.ICMP4Unreachable,
			Code:      prohibited4,
		}
		return append(make([]byte, tunRoom), packet.Generate(header, quoted)...)
	}
	header := packet.ICMP6Header{
		IP6Header: packet.IP6Header{IPProto: ipproto.ICMPv6, Src: from, Dst: to},
		Type:      packet.ICMP6Unreachable,
		Code:      prohibited6,
	}
	return append(make([]byte, tunRoom), packet.Generate(header, quoted)...)
}

// quotedBytes keeps an answer within what every host takes.
func quotedBytes(to netip.Addr) int {
	if to.Is4() {
		return 548
	}
	return 1232
}
