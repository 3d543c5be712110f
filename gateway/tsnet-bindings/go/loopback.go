package main

import (
	"errors"
	"net"
	"net/netip"
)

// loopbackTransport announces kernel connections as flows between made-up addresses.
type loopbackTransport struct {
	id      uint64
	counts  tally
	sockets []net.Listener
}

type loopbackDoor struct {
	From string `json:"from"`
	To   string `json:"to"`
}

func (t *loopbackTransport) handle() uint64 { return t.id }
func (t *loopbackTransport) tally() *tally  { return &t.counts }

func (t *loopbackTransport) stop() error {
	var all error
	for _, socket := range t.sockets {
		all = errors.Join(all, socket.Close())
	}
	return all
}

// startLoopback opens one listener for each {from, to} and answers with their ports in that order.
func startLoopback(text string) (int64, string, error) {
	var doors []loopbackDoor
	if err := parseSettings(text, &doors); err != nil {
		return 0, "", err
	}
	t := &loopbackTransport{id: transports.reserve()}
	var ports []int
	for _, door := range doors {
		from, err := netip.ParseAddr(door.From)
		if err != nil {
			return 0, "", errors.Join(err, t.stop())
		}
		to, err := parseAddress(door.To)
		if err != nil {
			return 0, "", errors.Join(err, t.stop())
		}
		socket, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return 0, "", errors.Join(err, t.stop())
		}
		t.sockets = append(t.sockets, socket)
		ports = append(ports, socket.Addr().(*net.TCPAddr).Port)
		spawn(func() { t.serve(socket, from, to) })
	}
	transports.add(t)
	return int64(t.id), asJSON(ports), nil
}

func (t *loopbackTransport) serve(socket net.Listener, from netip.Addr, to netip.AddrPort) {
	for {
		conn, err := socket.Accept()
		if err != nil {
			return
		}
		port := conn.RemoteAddr().(*net.TCPAddr).Port
		announce(t, origin{address: netip.AddrPortFrom(from, uint16(port))}, to, kernelArrival{conn.(*net.TCPConn)})
	}
}

// kernelArrival is a connection the kernel has accepted already.
type kernelArrival struct{ conn *net.TCPConn }

func (a kernelArrival) accept() (stream, error) { return newSockStream(a.conn) }

func (a kernelArrival) refuse() {
	_ = a.conn.SetLinger(0)
	_ = a.conn.Close()
}
