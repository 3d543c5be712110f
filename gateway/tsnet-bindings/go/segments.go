package main

import (
	"encoding/binary"

	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// segments cuts one large TCP packet of the stack into packets of the path's size, checksums included.
// Other packets pass through whole.
type segments struct {
	packet []byte
	// ipLength and headers count bytes in front of the TCP header and of the payload; size is the payload of a segment.
	ipLength, headers, size int
	version6                bool
	whole                   bool
	sent                    int
	index                   uint16
}

func (s *segments) load(packet *stack.PacketBuffer) {
	s.packet = s.packet[:0]
	for _, part := range packet.AsSlices() {
		s.packet = append(s.packet, part...)
	}
	s.sent, s.index = 0, 0
	offload := packet.GSOOptions
	s.whole = offload.Type != stack.GSOTCPv4 && offload.Type != stack.GSOTCPv6
	if s.whole {
		return
	}
	s.version6 = offload.Type == stack.GSOTCPv6
	s.ipLength = int(offload.L3HdrLen)
	s.headers = s.ipLength + int(header.TCP(s.packet[s.ipLength:]).DataOffset())
	s.size = int(offload.MSS)
	if s.size == 0 {
		s.size = len(s.packet) - s.headers
	}
}

// fill writes what is left of the loaded packet into packets from index `filled` on and returns the new count.
func (s *segments) fill(packets [][]byte, sizes []int, offset, filled int) int {
	for filled < len(packets) && len(s.packet) > 0 {
		into := packets[filled][offset:]
		if s.whole {
			sizes[filled] = copy(into, s.packet)
			s.packet = s.packet[:0]
		} else {
			sizes[filled] = s.segment(into)
		}
		filled++
	}
	return filled
}

func (s *segments) segment(into []byte) int {
	payload := s.packet[s.headers:]
	end := min(s.sent+s.size, len(payload))
	last := end == len(payload)
	length := copy(into, s.packet[:s.headers])
	length += copy(into[length:], payload[s.sent:end])
	into = into[:length]
	tcp := header.TCP(into[s.ipLength:])
	tcp.SetSequenceNumber(tcp.SequenceNumber() + uint32(s.sent))
	if !last {
		tcp.SetFlags(uint8(tcp.Flags() &^ (header.TCPFlagFin | header.TCPFlagPsh)))
	}
	s.finishHeaders(into, tcp)
	s.sent = end
	s.index++
	if last {
		s.packet = s.packet[:0]
	}
	return length
}

func (s *segments) finishHeaders(into []byte, tcp header.TCP) {
	var pseudo uint16
	if s.version6 {
		ip := header.IPv6(into)
		ip.SetPayloadLength(uint16(len(into) - header.IPv6MinimumSize))
		pseudo = header.PseudoHeaderChecksum(header.TCPProtocolNumber, ip.SourceAddress(), ip.DestinationAddress(), uint16(len(tcp)))
	} else {
		ip := header.IPv4(into)
		ip.SetTotalLength(uint16(len(into)))
		binary.BigEndian.PutUint16(into[4:], ip.ID()+s.index)
		ip.SetChecksum(0)
		ip.SetChecksum(^ip.CalculateChecksum())
		pseudo = header.PseudoHeaderChecksum(header.TCPProtocolNumber, ip.SourceAddress(), ip.DestinationAddress(), uint16(len(tcp)))
	}
	tcp.SetChecksum(0)
	tcp.SetChecksum(^checksum.Checksum(tcp, pseudo))
}
