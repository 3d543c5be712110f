package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"

	"tailscale.com/ipn"
	"tailscale.com/tsnet"
)

// mostPerPort bounds the connections of one port that nobody has ended.
const mostPerPort = 512

// ownPort is a port of the gateway itself, in the tailnet or on the internet.
type ownPort struct {
	id       uint64
	node     *tailnetNode
	port     uint16
	isFunnel bool
	listener net.Listener

	mu   sync.Mutex
	open map[stream]string
}

// portSettings lets tests bring a certificate of their own for Funnel.
type portSettings struct {
	CertPem string `json:"certPem"`
	KeyPem  string `json:"keyPem"`
}

// listenFor answers before the first connection is announced: JavaScript has to know the port by then.
func listenFor(c call) {
	n, err := findNode(c.id)
	if err != nil {
		fail(c.request, err)
		return
	}
	p, err := n.listen(uint16(c.a), c.b == 1, c.text)
	if err != nil {
		fail(c.request, err)
		return
	}
	succeed(c.request, int64(p.id), "")
	p.serve()
}

func (n *tailnetNode) listen(port uint16, isFunnel bool, text string) (*ownPort, error) {
	listener, err := n.openPort(port, isFunnel, text)
	if err != nil {
		return nil, err
	}
	p := &ownPort{node: n, port: port, isFunnel: isFunnel, listener: listener, open: map[stream]string{}}
	p.id = transports.reserve()
	n.mu.Lock()
	if n.stopped {
		n.mu.Unlock()
		_ = listener.Close()
		return nil, errNoTransport
	}
	n.listeners[p.id] = p
	n.mu.Unlock()
	return p, nil
}

func (n *tailnetNode) openPort(port uint16, isFunnel bool, text string) (net.Listener, error) {
	address := fmt.Sprintf(":%d", port)
	if !isFunnel {
		return n.server.Listen("tcp", address)
	}
	options := []tsnet.FunnelOption{tsnet.FunnelOnly()}
	if text != "" {
		var settings portSettings
		if err := parseSettings(text, &settings); err != nil {
			return nil, err
		}
		pair, err := tls.X509KeyPair([]byte(settings.CertPem), []byte(settings.KeyPem))
		if err != nil {
			return nil, errors.New("the certificate or its key cannot be read")
		}
		options = append(options, tsnet.FunnelTLSConfig(&tls.Config{Certificates: []tls.Certificate{pair}}))
	}
	return n.server.ListenFunnel("tcp", address, options...)
}

func unlisten(handle, id uint64) error {
	n, err := findNode(handle)
	if err != nil {
		// the port went with its node
		return nil
	}
	n.mu.Lock()
	p := n.listeners[id]
	delete(n.listeners, id)
	n.mu.Unlock()
	if p != nil {
		p.close()
	}
	return nil
}

// ports yields the open ones; the caller holds the lock.
func (n *tailnetNode) ports() []*ownPort { return slices.Collect(maps.Values(n.listeners)) }

// isOwnPort tells whether a flow is for a port of the gateway in the tailnet.
func (n *tailnetNode) isOwnPort(to netip.AddrPort) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.listeners {
		if p.port != to.Port() || p.isFunnel {
			continue
		}
		for _, address := range n.self {
			if address == to.Addr() {
				return true
			}
		}
	}
	return false
}

func (p *ownPort) close() {
	_ = p.listener.Close()
	p.mu.Lock()
	open := p.open
	p.open = map[stream]string{}
	p.mu.Unlock()
	for one := range open {
		one.abort()
	}
}

func (p *ownPort) endNode(stableID string) {
	p.mu.Lock()
	var theirs []stream
	for one, node := range p.open {
		if node == stableID {
			theirs = append(theirs, one)
		}
	}
	p.mu.Unlock()
	for _, one := range theirs {
		one.abort()
	}
}

func (p *ownPort) serve() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return
		}
		spawn(func() { p.accepted(conn) })
	}
}

// accepted hands a connection to JavaScript as one end of a socket pair.
func (p *ownPort) accepted(conn net.Conn) {
	from, node, ok := p.sourceOf(conn)
	if !ok {
		p.node.counts.refused.Add(1)
		_ = conn.Close()
		return
	}
	client, err := p.streamOf(conn)
	if err != nil {
		emit(eventFault, 0, 0, 0, err.Error(), nil)
		return
	}
	if !p.enter(client, node) {
		p.node.counts.refused.Add(1)
		client.abort()
		return
	}
	defer p.leave(client)
	ours, theirs, err := pairWithNode()
	if err != nil {
		client.abort()
		return
	}
	text := addressPair(origin{from, node}, netip.AddrPortFrom(netip.IPv4Unspecified(), p.port))
	if !emit(eventAccepted, p.id, int64(theirs), 0, text, nil) {
		closeFd(theirs)
	}
	moved := new(transfer)
	join(client, ours, nil, moved)
	p.node.counts.up.Add(moved.up.Load())
	p.node.counts.down.Add(moved.down.Load())
}

// sourceOf says where a connection really came from; with Funnel no node is behind it.
func (p *ownPort) sourceOf(conn net.Conn) (netip.AddrPort, string, bool) {
	if p.isFunnel {
		if secured, ok := conn.(*tls.Conn); ok {
			if ingress, ok := secured.NetConn().(*ipn.FunnelConn); ok {
				return ingress.Src, "", ingress.Src.IsValid()
			}
		}
		return netip.AddrPort{}, "", false
	}
	from, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return netip.AddrPort{}, "", false
	}
	node := p.node.nodeAt(from.Addr())
	return from, node, node != ""
}

func (p *ownPort) streamOf(conn net.Conn) (stream, error) {
	if p.isFunnel {
		secured, ok := conn.(*tls.Conn)
		if !ok {
			_ = conn.Close()
			return nil, errors.New("a connection through Funnel without TLS")
		}
		return newDialedStream(secured), nil
	}
	taken, err := nodeStream(conn)
	if err != nil {
		return nil, err
	}
	return taken, nil
}

func (p *ownPort) enter(client stream, node string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.open) >= mostPerPort {
		return false
	}
	p.open[client] = node
	return true
}

func (p *ownPort) leave(client stream) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, client)
}
