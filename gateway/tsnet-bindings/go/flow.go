package main

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// arrival is a TCP connection whose handshake has not been answered yet.
type arrival interface {
	// accept completes the handshake.
	accept() (stream, error)
	// refuse answers with a reset.
	refuse()
}

type flowState int

const (
	announced flowState = iota
	peeking
	peeked
	running
	finished
)

const (
	// answerWithin bounds the time JavaScript has to say what becomes of a flow; then it is refused.
	answerWithin = 15 * time.Second
)

var errOver = errors.New("the flow is over")

// flow is one TCP connection from its announcement to its end.
type flow struct {
	id       uint64
	owner    transport
	from, to netip.AddrPort
	// node is who sent it in a tailnet; empty elsewhere.
	node    string
	arrival arrival

	mu     sync.Mutex
	state  flowState
	client stream
	head   []byte
	late   *time.Timer
	// server is the other stream once the flow runs; abort closes both.
	server  stream
	aborted bool
}

// announce tells JavaScript of a connection; it is refused when there are too many or nobody listens.
func announce(owner transport, source origin, to netip.AddrPort, arrival arrival) {
	tally := owner.tally()
	f := &flow{owner: owner, from: source.address, node: source.node, to: to, arrival: arrival}
	f.late = time.AfterFunc(answerWithin, func() { defer rescue(); f.refuse() })
	if !flows.add(f) {
		f.late.Stop()
		tally.refused.Add(1)
		arrival.refuse()
		return
	}
	if !emit(eventFlow, f.id, int64(owner.handle()), 0, addressPair(source, to), nil) {
		f.refuse()
	}
}

// claim moves the flow from waiting to running and yields its client stream, handshake done.
// The lock is free meanwhile: a client that never finishes its handshake must not hold up whoever aborts the flow.
func (f *flow) claim() (stream, []byte, error) {
	f.mu.Lock()
	if f.state != announced && f.state != peeked {
		f.mu.Unlock()
		return nil, nil, errOver
	}
	f.late.Stop()
	f.state = running
	client, head := f.client, f.head
	f.head = nil
	f.mu.Unlock()
	if client == nil {
		var err error
		if client, err = f.arrival.accept(); err != nil {
			f.mu.Lock()
			f.state = finished
			f.mu.Unlock()
			flows.remove(f.id)
			return nil, nil, err
		}
	}
	f.mu.Lock()
	f.client = client
	f.mu.Unlock()
	f.owner.tally().accepted.Add(1)
	return client, head, nil
}

// take hands the flow to JavaScript as one end of a socket pair.
func (f *flow) take(request uint64) {
	ours, theirs, err := pairWithNode()
	if err != nil {
		f.refuse()
		fail(request, err)
		return
	}
	client, head, err := f.claim()
	if err != nil {
		ours.close()
		closeFd(theirs)
		fail(request, err)
		return
	}
	if !succeed(request, int64(theirs), "") {
		closeFd(theirs)
	}
	f.run(client, ours, head)
}

// relay dials first, so that a dead upstream is a refused connection for the client.
func (f *flow) relay(request uint64, to string, timeout time.Duration) {
	server, err := dialStream(to, timeout)
	if err != nil {
		f.refuse()
		succeed(request, 0, "0 0 dial "+err.Error())
		return
	}
	client, head, err := f.claim()
	if err != nil {
		server.abort()
		succeed(request, 0, "0 0 peer "+err.Error())
		return
	}
	moved := f.run(client, server, head)
	side, cause := moved.outcome()
	if f.wasAborted() {
		side, cause = "abort", nil
	}
	text := ""
	if cause != nil {
		text = cause.Error()
	}
	succeed(request, 0, fmt.Sprintf("%d %d %s %s", moved.up.Load(), moved.down.Load(), side, text))
}

func (f *flow) run(client, server stream, head []byte) *transfer {
	f.mu.Lock()
	f.server = server
	aborted := f.aborted
	f.mu.Unlock()
	moved := new(transfer)
	if aborted {
		client.abort()
		server.abort()
	} else {
		join(client, server, head, moved)
	}
	f.mu.Lock()
	f.state = finished
	f.mu.Unlock()
	flows.remove(f.id)
	tally := f.owner.tally()
	tally.up.Add(moved.up.Load())
	tally.down.Add(moved.down.Load())
	return moved
}

// peek completes the handshake and passes on what arrives until told that it is enough.
func (f *flow) peek(request uint64, most int, within time.Duration) {
	f.mu.Lock()
	if f.state != announced {
		f.mu.Unlock()
		fail(request, errOver)
		return
	}
	f.state = peeking
	f.late.Reset(within + answerWithin)
	f.mu.Unlock()
	client, err := f.arrival.accept()
	f.mu.Lock()
	if err != nil || f.state != peeking {
		if err == nil {
			client.abort()
			err = errOver
		}
		f.state = finished
		f.late.Stop()
		f.mu.Unlock()
		flows.remove(f.id)
		fail(request, err)
		return
	}
	f.client = client
	f.mu.Unlock()
	head := f.readHead(client, most, time.Now().Add(within))
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state != peeking {
		fail(request, errOver)
		return
	}
	f.head = head
	f.state = peeked
	succeed(request, 0, "")
}

func (f *flow) readHead(client stream, most int, deadline time.Time) []byte {
	buffer := make([]byte, most)
	filled := 0
	for filled < most {
		got, err := client.peek(buffer[filled:], deadline)
		if got > 0 {
			emit(eventPeek, f.id, 0, 0, "", buffer[filled:filled+got])
			filled += got
		}
		if err != nil {
			break
		}
	}
	return buffer[:filled:filled]
}

func (f *flow) enough() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state == peeking && f.client != nil {
		f.client.interrupt()
	}
}

// refuse ends a flow nobody has taken, with a reset.
func (f *flow) refuse() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state == running || f.state == finished {
		return
	}
	wasPeeking := f.state == peeking
	f.state = finished
	f.late.Stop()
	flows.remove(f.id)
	f.owner.tally().refused.Add(1)
	if f.client != nil {
		f.client.abort()
	} else if !wasPeeking {
		f.arrival.refuse()
	}
}

// abort ends the flow at once, whatever state it is in.
func (f *flow) abort() {
	f.mu.Lock()
	f.aborted = true
	client, server, state := f.client, f.server, f.state
	f.mu.Unlock()
	if state != running {
		f.refuse()
		return
	}
	if client != nil {
		client.abort()
	}
	if server != nil {
		server.abort()
	}
}

func (f *flow) wasAborted() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.aborted
}

func performFlow(c call) {
	f := flows.find(c.id)
	if f == nil {
		if c.request != 0 {
			fail(c.request, errOver)
		}
		return
	}
	spawn(func() {
		switch c.op {
		case opTake:
			f.take(c.request)
		case opRelay:
			f.relay(c.request, strings.Clone(c.text), c.millis(c.a))
		case opPeek:
			f.peek(c.request, int(c.a), c.millis(c.b))
		case opPeekDone:
			f.enough()
		case opRefuse:
			f.refuse()
		case opAbort:
			f.abort()
		}
	})
}
