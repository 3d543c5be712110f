package main

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"time"

	"tailscale.com/types/nettype"
	"tailscale.com/wgengine/netstack"
)

const (
	dialWithin   = 5 * time.Second
	datagramIdle = 30 * time.Second
	// largestDatagram is what one read of a datagram flow takes.
	largestDatagram = 64 << 10
)

// forward makes the node an exit node: what goes to others is dialled from here. tsnet by itself refuses it.
func (n *node) forward() error {
	n.server.RegisterFallbackTCPHandler(func(_, to netip.AddrPort) (func(net.Conn), bool) {
		return func(conn net.Conn) { relayStream(conn, to) }, true
	})
	stack, ok := n.server.Sys().Netstack.Get().(*netstack.Impl)
	if !ok {
		return errors.New("tsnet changed: its netstack is another one")
	}
	before := stack.GetUDPHandlerForFlow
	stack.GetUDPHandlerForFlow = func(from, to netip.AddrPort) (func(nettype.ConnPacketConn), bool) {
		if handle, _ := before(from, to); handle != nil {
			return handle, true
		}
		return func(conn nettype.ConnPacketConn) { relayDatagrams(conn, to) }, true
	}
	return nil
}

func relayStream(conn net.Conn, to netip.AddrPort) {
	defer conn.Close()
	out, err := net.DialTimeout("tcp", to.String(), dialWithin)
	if err != nil {
		return
	}
	defer out.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		pour(out, conn)
	}()
	pour(conn, out)
	<-done
}

// pour copies one direction and ends it.
func pour(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	if half, ok := to.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
}

func relayDatagrams(conn net.Conn, to netip.AddrPort) {
	defer conn.Close()
	out, err := net.Dial("udp", to.String())
	if err != nil {
		return
	}
	defer out.Close()
	go func() {
		defer out.Close()
		pass(out, conn)
	}()
	pass(conn, out)
}

// pass copies datagrams until there were none for a while.
func pass(to, from net.Conn) {
	buffer := make([]byte, largestDatagram)
	for {
		_ = from.SetReadDeadline(time.Now().Add(datagramIdle))
		size, err := from.Read(buffer)
		if err != nil {
			return
		}
		if _, err := to.Write(buffer[:size]); err != nil {
			return
		}
	}
}
