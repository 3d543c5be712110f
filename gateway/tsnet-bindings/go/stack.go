package main

import (
	"errors"
	"net/netip"
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"
)

const (
	nic = 1
	// maxHandshakes bounds connections whose handshake is unanswered; more SYNs are dropped and come again.
	maxHandshakes = 2048
)

// newStack builds a network stack that answers for every address there is.
func newStack(link *link, owner transport) (*stack.Stack, error) {
	s := stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol, ipv6.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocolCUBIC, udp.NewProtocol},
	})
	if err := tuneTCP(s); err != nil {
		return nil, errors.New(err.String())
	}
	if err := s.CreateNIC(nic, card{link}); err != nil {
		return nil, errors.New(err.String())
	}
	s.SetPromiscuousMode(nic, true)
	s.SetSpoofing(nic, true)
	s.SetRouteTable([]tcpip.Route{
		{Destination: header.IPv4EmptySubnet, NIC: nic},
		{Destination: header.IPv6EmptySubnet, NIC: nic},
	})
	forwarder := tcp.NewForwarder(s, 0, maxHandshakes, func(request *tcp.ForwarderRequest) {
		defer rescue()
		arrived(owner, request)
	})
	s.SetTransportProtocolHandler(tcp.ProtocolNumber, forwarder.HandlePacket)
	datagrams := udp.NewForwarder(s, func(request *udp.ForwarderRequest) bool {
		defer rescue()
		return datagramArrived(owner, request)
	})
	s.SetTransportProtocolHandler(udp.ProtocolNumber, datagrams.HandlePacket)
	return s, nil
}

func tuneTCP(s *stack.Stack) tcpip.Error {
	sack, moderate := tcpip.TCPSACKEnabled(true), tcpip.TCPModerateReceiveBufferOption(true)
	// RACK retransmits needlessly on reordered links
	recovery := tcpip.TCPRecovery(0)
	// no listening endpoint would take a SYN that reuses a port in TIME_WAIT: keep that state short
	timeWait := tcpip.TCPTimeWaitTimeoutOption(time.Second)
	receive := tcpip.TCPReceiveBufferSizeRangeOption{Min: 4 << 10, Default: 1 << 20, Max: 8 << 20}
	send := tcpip.TCPSendBufferSizeRangeOption{Min: 4 << 10, Default: 1 << 20, Max: 6 << 20}
	for _, option := range []tcpip.SettableTransportProtocolOption{&sack, &moderate, &recovery, &timeWait, &receive, &send} {
		if err := s.SetTransportProtocolOption(tcp.ProtocolNumber, option); err != nil {
			return err
		}
	}
	return nil
}

func arrived(owner transport, request *tcp.ForwarderRequest) {
	id := request.ID()
	from := origin{address: endpointAddress(id.RemoteAddress, id.RemotePort)}
	announce(owner, from, endpointAddress(id.LocalAddress, id.LocalPort), &netArrival{request: request})
}

func endpointAddress(address tcpip.Address, port uint16) netip.AddrPort {
	ip, _ := netip.AddrFromSlice(address.AsSlice())
	return netip.AddrPortFrom(ip, port)
}

// netArrival is a SYN that waits for its answer.
type netArrival struct {
	request *tcp.ForwarderRequest
	once    sync.Once
}

func (a *netArrival) accept() (stream, error) {
	queue := new(waiter.Queue)
	endpoint, err := a.request.CreateEndpoint(queue)
	if err != nil {
		a.complete(true)
		return nil, errors.New(err.String())
	}
	a.complete(false)
	return newNetStream(endpoint, queue), nil
}

func (a *netArrival) refuse() { a.complete(true) }

func (a *netArrival) complete(reset bool) { a.once.Do(func() { a.request.Complete(reset) }) }
