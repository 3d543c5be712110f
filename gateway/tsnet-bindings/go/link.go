package main

import (
	"os"
	"sync"
	"time"

	"golang.zx2c4.com/wireguard/tun"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/stack/gro"
)

const (
	linkBatch = 128
	// linkQueue bounds packets waiting for encryption; TCP slows down when they are dropped.
	linkQueue = 4096
	// largestSegment is what the stack hands over at once; segments.go cuts it to the path's size.
	largestSegment = 60 << 10
)

// link joins WireGuard and the network stack: the network card of one, the TUN device of the other.
type link struct {
	mtu    uint32
	events chan tun.Event
	ready  chan struct{}
	closed chan struct{}
	once   sync.Once
	merges sync.Pool

	mu         sync.Mutex
	dispatcher stack.NetworkDispatcher
	waiting    []*stack.PacketBuffer
	acks       acks
	// flush is armed while acknowledgements are held.
	flush   *time.Timer
	isArmed bool

	cut segments
}

func newLink(mtu uint32) *link {
	l := &link{mtu: mtu, events: make(chan tun.Event, 1), ready: make(chan struct{}, 1), closed: make(chan struct{})}
	l.merges.New = func() any {
		merge := new(gro.GRO)
		merge.Init(true)
		merge.Dispatcher = l.target()
		return merge
	}
	l.flush = time.AfterFunc(time.Hour, func() { defer rescue(); l.sendLate() })
	l.flush.Stop()
	l.events <- tun.EventUp
	return l
}

func (l *link) target() stack.NetworkDispatcher {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dispatcher
}

// Read implements tun.Device: packets the stack wants to send.
func (l *link) Read(packets [][]byte, sizes []int, offset int) (int, error) {
	for {
		filled := l.cut.fill(packets, sizes, offset, 0)
		for filled < len(packets) {
			packet := l.next()
			if packet == nil {
				break
			}
			l.cut.load(packet)
			filled = l.cut.fill(packets, sizes, offset, filled)
		}
		if filled > 0 {
			return filled, nil
		}
		select {
		case <-l.ready:
		case <-l.closed:
			return 0, os.ErrClosed
		}
	}
}

func (l *link) next() *stack.PacketBuffer {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		return nil
	}
	packet := l.waiting[0]
	l.waiting[0] = nil
	l.waiting = l.waiting[1:]
	return packet
}

// WritePackets implements stack.LinkEndpoint.
func (l *link) WritePackets(packets stack.PacketBufferList) (int, tcpip.Error) {
	l.mu.Lock()
	sent := 0
	for _, packet := range packets.AsSlice() {
		if len(l.waiting) >= linkQueue {
			break
		}
		l.acks.pass(packet, l.queue)
		sent++
	}
	if len(l.acks.held) > 0 && !l.isArmed {
		l.isArmed = true
		l.flush.Reset(ackWaits)
	}
	isReady := len(l.waiting) > 0
	l.mu.Unlock()
	if isReady {
		l.wake()
	}
	return sent, nil
}

// queue takes over a reference; the link is locked.
func (l *link) queue(packet *stack.PacketBuffer) { l.waiting = append(l.waiting, packet) }

func (l *link) wake() {
	select {
	case l.ready <- struct{}{}:
	default:
	}
}

// sendLate passes on acknowledgements that nothing came to travel with.
func (l *link) sendLate() {
	l.mu.Lock()
	left := l.acks.late(time.Now(), l.queue)
	l.isArmed = left > 0
	if l.isArmed {
		l.flush.Reset(left)
	}
	isReady := len(l.waiting) > 0
	l.mu.Unlock()
	if isReady {
		l.wake()
	}
}

// Write implements tun.Device: packets that came out of the tunnel, segments of one flow merged.
func (l *link) Write(packets [][]byte, offset int) (int, error) {
	merge := l.merges.Get().(*gro.GRO)
	defer l.merges.Put(merge)
	for _, bytes := range packets {
		content := bytes[offset:]
		if len(content) == 0 {
			continue
		}
		packet := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(content)})
		switch content[0] >> 4 {
		case 4:
			packet.NetworkProtocolNumber = header.IPv4ProtocolNumber
		case 6:
			packet.NetworkProtocolNumber = header.IPv6ProtocolNumber
		default:
			packet.DecRef()
			continue
		}
		// WireGuard has authenticated every byte
		packet.RXChecksumValidated = true
		merge.Enqueue(packet)
		packet.DecRef()
	}
	merge.Flush()
	return len(packets), nil
}

func (l *link) File() *os.File           { return nil }
func (l *link) MTU() (int, error)        { return int(l.mtu), nil }
func (l *link) Name() (string, error)    { return "clawpatrol", nil }
func (l *link) Events() <-chan tun.Event { return l.events }
func (l *link) BatchSize() int           { return linkBatch }

// end stops Read and drops what waits.
func (l *link) end() {
	l.once.Do(func() {
		close(l.closed)
		close(l.events)
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, packet := range l.waiting {
			packet.DecRef()
		}
		l.waiting = nil
		l.flush.Stop()
		l.acks.drop()
	})
}
