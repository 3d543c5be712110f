package main

import (
	"time"

	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

const (
	// ackWaits is how long a lone acknowledgement waits for an answer to travel with. Senders probe for lost segments
	// after two ticks of their clock, and give up none of their speed for less.
	ackWaits = 2 * time.Millisecond
	// ackedSmall is the most that an acknowledgement may be for and wait, bytes: a request. Whoever sends more at once may
	// be waiting for it.
	ackedSmall = 1000
	// ackPlaces is a power of two. Connections that share a place do without.
	ackPlaces = 4096
)

// acks holds lone acknowledgements back, which the stack sends for whatever arrives: of a request and its answer every
// third packet. Not safe for concurrent use.
type acks struct {
	places [ackPlaces]ackPlace
	// held says where something began to wait and when, oldest first; it may be gone by now.
	held []ackHold
}

type ackHold struct {
	place uint16
	since time.Time
}

type ackPlace struct {
	connection tcpConnection
	// last is the highest acknowledgement that was passed on or is held.
	last   uint32
	packet *stack.PacketBuffer
	since  time.Time
}

// tcpConnection is addresses and ports as they are in the headers.
type tcpConnection struct {
	addresses [32]byte
	ports     [4]byte
}

// pass decides about one packet the stack sends: what goes on now, in order. The packet may be held instead, or make
// one that is held superfluous. What goes on has a reference of its own.
func (a *acks) pass(packet *stack.PacketBuffer, on func(*stack.PacketBuffer)) {
	tcp := header.TCP(packet.TransportHeader().Slice())
	if packet.TransportProtocolNumber != header.TCPProtocolNumber || len(tcp) < header.TCPMinimumSize || tcp.Flags()&header.TCPFlagAck == 0 {
		on(packet.IncRef())
		return
	}
	connection := connectionOf(packet, tcp)
	index := connection.place()
	place, number := &a.places[index], tcp.AckNumber()
	isKnown := place.connection == connection
	advance := number - place.last
	if place.packet != nil {
		if isKnown && int32(advance) >= 0 && (advance > 0 || packet.Data().Size() > 0) {
			place.packet.DecRef()
		} else {
			on(place.packet)
		}
		place.packet = nil
	} else if isKnown && advance > 0 && advance <= ackedSmall && isLone(packet, tcp) {
		place.last = number
		place.packet, place.since = packet.IncRef(), time.Now()
		a.held = append(a.held, ackHold{index, place.since})
		return
	}
	place.connection, place.last = connection, number
	on(packet.IncRef())
}

// late passes on what has waited long enough. How long the next one may still wait; 0: nothing waits.
func (a *acks) late(now time.Time, on func(*stack.PacketBuffer)) time.Duration {
	for i, hold := range a.held {
		place := &a.places[hold.place]
		if place.packet == nil || place.since != hold.since {
			continue
		}
		if left := ackWaits - now.Sub(hold.since); left > 0 {
			a.held = append(a.held[:0], a.held[i:]...)
			return left
		}
		on(place.packet)
		place.packet = nil
	}
	a.held = a.held[:0]
	return 0
}

func (a *acks) drop() {
	for i := range a.places {
		if packet := a.places[i].packet; packet != nil {
			packet.DecRef()
			a.places[i].packet = nil
		}
	}
	a.held = nil
}

func connectionOf(packet *stack.PacketBuffer, tcp header.TCP) (connection tcpConnection) {
	network := packet.NetworkHeader().Slice()
	if packet.NetworkProtocolNumber == header.IPv4ProtocolNumber {
		copy(connection.addresses[:], network[12:20])
	} else {
		copy(connection.addresses[:], network[8:40])
	}
	copy(connection.ports[:], tcp[:4])
	return connection
}

func (c *tcpConnection) place() uint16 {
	hash := uint32(2166136261)
	for _, b := range c.addresses {
		hash = (hash ^ uint32(b)) * 16777619
	}
	for _, b := range c.ports {
		hash = (hash ^ uint32(b)) * 16777619
	}
	return uint16((hash ^ hash>>16) & (ackPlaces - 1))
}

// isLone tells whether a packet says nothing but up to where bytes have arrived: no data, nothing out of order.
func isLone(packet *stack.PacketBuffer, tcp header.TCP) bool {
	if tcp.Flags() != header.TCPFlagAck || packet.Data().Size() > 0 {
		return false
	}
	options := tcp.Options()
	for len(options) > 0 {
		switch options[0] {
		case header.TCPOptionNOP:
			options = options[1:]
		case header.TCPOptionTS:
			if len(options) < header.TCPOptionTSLength {
				return false
			}
			options = options[header.TCPOptionTSLength:]
		default:
			return false
		}
	}
	return true
}
