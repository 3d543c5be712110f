package main

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"tailscale.com/types/nettype"
	"tailscale.com/wgengine/netstack"
)

// takeFlows claims every flow that is not for one of the node's own ports.
func (n *tailnetNode) takeFlows() error {
	impl, ok := n.server.Sys().Netstack.Get().(*netstack.Impl)
	if !ok {
		return errors.New("the node has no network stack")
	}
	if err := shortenTimeWait(impl); err != nil {
		return err
	}
	n.closePeerAPI()
	ownTCP, ownUDP := impl.GetTCPHandlerForFlow, impl.GetUDPHandlerForFlow
	impl.GetTCPHandlerForFlow = func(from, to netip.AddrPort) (func(net.Conn), bool) {
		defer rescue()
		if n.isOwnPort(to) {
			return ownTCP(from, to)
		}
		// on a goroutine of this flow: its SYN is unanswered meanwhile
		return n.connectionArrived(from, to), true
	}
	impl.GetUDPHandlerForFlow = func(from, to netip.AddrPort) (func(nettype.ConnPacketConn), bool) {
		defer rescue()
		if handler, taken := ownUDP(from, to); handler != nil {
			return handler, taken
		}
		return n.datagramHandler(from, to), true
	}
	return nil
}

// connectionArrived waits for what becomes of a connection; nil resets it.
func (n *tailnetNode) connectionArrived(from, to netip.AddrPort) func(net.Conn) {
	node := n.nodeAt(from.Addr())
	if node == "" {
		n.counts.refused.Add(1)
		return nil
	}
	waiting := &nodeArrival{decided: make(chan struct{}), conn: make(chan net.Conn, 1), taken: make(chan *netStream, 1)}
	announce(n, origin{from, node}, to, waiting)
	select {
	case <-waiting.decided:
	case <-time.After(answerWithin + nodeAnswersWithin):
		waiting.refuse()
	}
	if !waiting.accepted {
		return nil
	}
	return func(conn net.Conn) {
		waiting.conn <- conn
		// the stack lets go of the address the connection is for when this returns
		if taken := <-waiting.taken; taken != nil {
			taken.waitUntilGone()
		}
	}
}

// nodeArrival is a SYN from another node that waits for its answer.
type nodeArrival struct {
	once     sync.Once
	decided  chan struct{}
	accepted bool
	conn     chan net.Conn
	// taken gets what became of conn; nil: nothing.
	taken chan *netStream
}

func (a *nodeArrival) decide(accepted bool) {
	a.once.Do(func() {
		a.accepted = accepted
		close(a.decided)
	})
}

func (a *nodeArrival) refuse() { a.decide(false) }

func (a *nodeArrival) accept() (stream, error) {
	a.decide(true)
	if !a.accepted {
		return nil, errOver
	}
	select {
	case conn := <-a.conn:
		taken, err := nodeStream(conn)
		a.taken <- taken
		if err != nil {
			return nil, err
		}
		return taken, nil
	case <-time.After(nodeAnswersWithin):
		// one that comes after all has no other owner
		spawn(func() {
			select {
			case conn := <-a.conn:
				_ = conn.Close()
				a.taken <- nil
			case <-time.After(time.Minute):
			}
		})
		return nil, errors.New("the connection could not be made")
	}
}

// nodeStream takes over a connection of the node's stack.
func nodeStream(conn net.Conn) (*netStream, error) {
	endpoint, queue, err := endpointOf(conn)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return newNetStream(endpoint, queue), nil
}

// datagramHandler takes a 5-tuple over. Who sent it is asked on the flow's own goroutine: the one that moves packets
// must not wait for the backend, which waits for it when a peer goes.
func (n *tailnetNode) datagramHandler(from, to netip.AddrPort) func(nettype.ConnPacketConn) {
	if to.Port() != 53 && dropped.has(from, to) {
		return nil
	}
	return func(conn nettype.ConnPacketConn) {
		defer rescue()
		node := n.nodeAt(from.Addr())
		if node == "" {
			n.counts.refused.Add(1)
			_ = conn.Close()
			return
		}
		endpoint, queue, err := endpointOf(conn)
		if err != nil {
			_ = conn.Close()
			emit(eventFault, 0, 0, 0, err.Error(), nil)
			return
		}
		inside := &datagramEnd{endpoint: endpoint, queue: queue, over: make(chan struct{})}
		datagramsFrom(n, origin{from, node}, to, inside)
	}
}
