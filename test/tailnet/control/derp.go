package main

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"

	"tailscale.com/derp/derpserver"
	"tailscale.com/net/stunserver"
	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
	"tailscale.com/types/logger"
)

// startRelays starts a DERP and a STUN server on an address; they end with the process.
func startRelays(ctx context.Context, address string) (*tailcfg.DERPMap, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		return nil, err
	}
	relay := derpserver.New(key.NewNode(), logger.Discard)
	server := httptest.NewUnstartedServer(derpserver.Handler(relay))
	_ = server.Listener.Close()
	server.Listener = listener
	server.Config.ErrorLog = logger.StdLogger(logger.Discard)
	// DERP takes over the connection, which HTTP/2 does not allow
	server.Config.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){}
	server.StartTLS()
	stun := stunserver.New(ctx)
	if err := stun.Listen(net.JoinHostPort(address, "0")); err != nil {
		return nil, err
	}
	go func() { _ = stun.Serve() }()
	node := &tailcfg.DERPNode{
		Name: "t1", RegionID: 1, HostName: address, IPv4: address, IPv6: "none",
		DERPPort: listener.Addr().(*net.TCPAddr).Port, InsecureForTests: true,
		STUNPort: stun.LocalAddr().(*net.UDPAddr).Port, STUNTestIP: address,
	}
	region := &tailcfg.DERPRegion{RegionID: 1, RegionCode: "test", Nodes: []*tailcfg.DERPNode{node}}
	return &tailcfg.DERPMap{Regions: map[int]*tailcfg.DERPRegion{1: region}}, nil
}
