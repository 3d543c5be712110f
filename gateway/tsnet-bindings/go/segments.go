package main

import (
	"encoding/binary"

	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// segments cuts one large TCP packet of the stack into packets of the path's size, checksums included.
// Other packets pass through whole. The loaded packet is held until its last byte is written.
type segments struct {
	packet *stack.PacketBuffer
	// parts are the packet's bytes in order; those in front of part, and of at within it, are written.
	parts    [][]byte
	part, at int
	// head is IP and TCP header; ipLength counts the bytes of the first, size is the payload of one segment.
	head            []byte
	ipLength, size  int
	version6, whole bool
	sent, left      int
	index           uint16
}

// load takes the packet over.
func (s *segments) load(packet *stack.PacketBuffer) {
	s.packet = packet
	s.parts = append(s.parts[:0], packet.AsSlices()...)
	s.part, s.at = 0, 0
	s.left, s.sent, s.index = packet.Size(), 0, 0
	offload := packet.GSOOptions
	s.whole = offload.Type != stack.GSOTCPv4 && offload.Type != stack.GSOTCPv6
	if s.whole {
		s.size = s.left
		return
	}
	s.version6 = offload.Type == stack.GSOTCPv6
	s.ipLength = int(offload.L3HdrLen)
	length := len(packet.NetworkHeader().Slice()) + len(packet.TransportHeader().Slice())
	s.head = append(s.head[:0], make([]byte, length)...)
	s.copyTo(s.head)
	s.size = int(offload.MSS)
	if s.size == 0 {
		s.size = s.left
	}
}

// copyTo moves the next bytes of the packet into a buffer that they fill.
func (s *segments) copyTo(into []byte) {
	s.left -= len(into)
	for len(into) > 0 {
		moved := copy(into, s.parts[s.part][s.at:])
		into = into[moved:]
		s.at += moved
		if s.at == len(s.parts[s.part]) {
			s.part, s.at = s.part+1, 0
		}
	}
}

// fill writes what is left of the loaded packet into packets from index `filled` on and returns the new count.
func (s *segments) fill(packets [][]byte, sizes []int, offset, filled int) int {
	for filled < len(packets) && s.packet != nil {
		into := packets[filled][offset:]
		if s.whole {
			s.copyTo(into[:s.size])
			sizes[filled] = s.size
		} else {
			sizes[filled] = s.segment(into)
		}
		filled++
		if s.left == 0 {
			s.packet.DecRef()
			s.packet = nil
		}
	}
	return filled
}

func (s *segments) segment(into []byte) int {
	payload := min(s.size, s.left)
	into = into[:len(s.head)+payload]
	copy(into, s.head)
	s.copyTo(into[len(s.head):])
	tcp := header.TCP(into[s.ipLength:])
	tcp.SetSequenceNumber(tcp.SequenceNumber() + uint32(s.sent))
	if s.left > 0 {
		tcp.SetFlags(uint8(tcp.Flags() &^ (header.TCPFlagFin | header.TCPFlagPsh)))
	}
	s.finishHeaders(into, tcp)
	s.sent += payload
	s.index++
	return len(into)
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
