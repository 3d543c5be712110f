package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"
)

const (
	largestDatagram = 64 << 10
	// maxDatagramFlows bounds all of them, maxPerSource those of one tunnel address.
	maxDatagramFlows = 8192
	maxPerSource     = 256
)

// datagramFlow is one UDP 5-tuple that is not DNS.
type datagramFlow struct {
	id       uint64
	owner    transport
	from, to netip.AddrPort
	// node is who sends them in a tailnet; empty elsewhere.
	node   string
	inside *datagramEnd

	mu      sync.Mutex
	taken   bool
	over    bool
	aborted bool
	outside *net.UDPConn
	late    *time.Timer
}

var datagrams = struct {
	sync.Mutex
	last   uint64
	all    map[uint64]*datagramFlow
	source map[netip.Addr]int
}{all: map[uint64]*datagramFlow{}, source: map[netip.Addr]int{}}

// datagramArrived sees the first datagram of a 5-tuple; false answers it with "port unreachable".
func datagramArrived(owner transport, request *udp.ForwarderRequest) bool {
	id := request.ID()
	from, to := endpointAddress(id.RemoteAddress, id.RemotePort), endpointAddress(id.LocalAddress, id.LocalPort)
	if to.Port() != 53 && dropped.has(from, to) {
		return false
	}
	queue := new(waiter.Queue)
	endpoint, err := request.CreateEndpoint(queue)
	if err != nil {
		return true
	}
	inside := &datagramEnd{endpoint: endpoint, queue: queue, over: make(chan struct{})}
	return datagramsFrom(owner, origin{address: from}, to, inside)
}

// datagramsFrom announces what an endpoint receives; false when there is no room for it.
func datagramsFrom(owner transport, source origin, to netip.AddrPort, inside *datagramEnd) bool {
	if to.Port() == 53 {
		spawn(func() { answerQueries(owner, source, to, inside) })
		return true
	}
	d := &datagramFlow{owner: owner, from: source.address, node: source.node, to: to, inside: inside}
	d.late = time.AfterFunc(answerWithin, func() { defer rescue(); d.end() })
	if !d.register() {
		d.late.Stop()
		inside.close()
		owner.tally().refused.Add(1)
		return false
	}
	if !emit(eventDatagrams, d.id, int64(owner.handle()), 0, addressPair(source, to), nil) {
		d.end()
	}
	return true
}

func (d *datagramFlow) register() bool {
	datagrams.Lock()
	defer datagrams.Unlock()
	source := d.from.Addr()
	if len(datagrams.all) >= maxDatagramFlows || datagrams.source[source] >= maxPerSource {
		return false
	}
	datagrams.last++
	d.id = datagrams.last
	datagrams.all[d.id] = d
	datagrams.source[source]++
	return true
}

func (d *datagramFlow) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over {
		return
	}
	d.over = true
	d.late.Stop()
	d.inside.close()
	if d.outside != nil {
		_ = d.outside.Close()
	}
	datagrams.Lock()
	defer datagrams.Unlock()
	delete(datagrams.all, d.id)
	source := d.from.Addr()
	if datagrams.source[source]--; datagrams.source[source] == 0 {
		delete(datagrams.source, source)
	}
}

// relay copies datagrams both ways until none has moved for `idle`.
func (d *datagramFlow) relay(request uint64, target string, idle time.Duration) {
	address, err := parseAddress(target)
	if err != nil {
		d.end()
		succeed(request, 0, "0 0 dial "+err.Error())
		return
	}
	outside, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(address))
	if err != nil {
		d.end()
		succeed(request, 0, "0 0 dial "+dialFault(err).Error())
		return
	}
	d.mu.Lock()
	if d.over || d.taken {
		d.mu.Unlock()
		_ = outside.Close()
		fail(request, errOver)
		return
	}
	d.taken, d.outside = true, outside
	d.late.Stop()
	d.mu.Unlock()
	tally := d.owner.tally()
	tally.accepted.Add(1)
	var up, down atomic.Uint64
	var moved atomic.Int64
	moved.Store(time.Now().UnixNano())
	var both sync.WaitGroup
	both.Add(2)
	spawn(func() { defer both.Done(); defer d.end(); d.inside.pumpTo(outside, &up, &moved, idle) })
	spawn(func() { defer both.Done(); defer d.end(); d.inside.pumpFrom(outside, &down, &moved, idle) })
	both.Wait()
	tally.up.Add(up.Load())
	tally.down.Add(down.Load())
	d.mu.Lock()
	side := "peer"
	if d.aborted {
		side = "abort"
	}
	d.mu.Unlock()
	succeed(request, 0, fmt.Sprintf("%d %d %s ", up.Load(), down.Load(), side))
}

func abortDatagrams(which func(d *datagramFlow) bool) {
	datagrams.Lock()
	var chosen []*datagramFlow
	for _, d := range datagrams.all {
		if which(d) {
			chosen = append(chosen, d)
		}
	}
	datagrams.Unlock()
	for _, d := range chosen {
		d.mu.Lock()
		d.aborted = true
		d.mu.Unlock()
		d.end()
	}
}

func performDatagrams(c call) {
	if c.op == opReply {
		replyToQuery(c.id, c.data)
		return
	}
	datagrams.Lock()
	d := datagrams.all[c.id]
	datagrams.Unlock()
	if d == nil {
		if c.request != 0 {
			fail(c.request, errOver)
		}
		return
	}
	target := strings.Clone(c.text)
	spawn(func() {
		switch c.op {
		case opRelayDatagrams:
			d.relay(c.request, target, c.millis(c.a))
		case opDropDatagrams:
			dropped.add(d.from, d.to)
			d.owner.tally().refused.Add(1)
			d.end()
		case opAbortDatagrams:
			abortDatagrams(func(other *datagramFlow) bool { return other == d })
		}
	})
}

// datagramEnd is a connected UDP endpoint of the user-space stack.
type datagramEnd struct {
	endpoint tcpip.Endpoint
	queue    *waiter.Queue
	once     sync.Once
	over     chan struct{}
}

func (e *datagramEnd) close() {
	e.once.Do(func() {
		close(e.over)
		e.endpoint.Close()
	})
}

// receive waits for one datagram.
func (e *datagramEnd) receive(within time.Duration) ([]byte, error) {
	entry, ready := waiter.NewChannelEntry(waiter.ReadableEvents)
	e.queue.EventRegister(&entry)
	defer e.queue.EventUnregister(&entry)
	timer := time.NewTimer(within)
	defer timer.Stop()
	for {
		var into bytes.Buffer
		_, err := e.endpoint.Read(&into, tcpip.ReadOptions{})
		if err == nil {
			return into.Bytes(), nil
		}
		if _, blocked := err.(*tcpip.ErrWouldBlock); !blocked {
			return nil, errors.New(err.String())
		}
		select {
		case <-ready:
		case <-e.over:
			return nil, errStopped
		case <-timer.C:
			return nil, errIdle
		}
	}
}

func (e *datagramEnd) send(payload []byte) error {
	if _, err := e.endpoint.Write(bytes.NewReader(payload), tcpip.WriteOptions{}); err != nil {
		return errors.New(err.String())
	}
	return nil
}
