package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// funnelSource is where a connection through Funnel says it comes from unless told otherwise: a documentation address.
var funnelSource = netip.MustParseAddrPort("203.0.113.77:40000")

// funnel connects to a port of a node the way an ingress server of Funnel does; TLS begins on the stream it yields.
func (n *node) funnel(ctx context.Context, name string, port int, source netip.AddrPort) (any, error) {
	if !source.IsValid() {
		source = funnelSource
	}
	base, err := n.peerAPI(ctx, name)
	if err != nil {
		return nil, err
	}
	conn, err := n.server.Dial(ctx, "tcp", base)
	if err != nil {
		return nil, err
	}
	if until, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(until)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, (&url.URL{Scheme: "http", Host: base, Path: "/v0/ingress"}).String(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Tailscale-Ingress-Src", source.String())
	request.Header.Set("Tailscale-Ingress-Target", fmt.Sprintf("%s:%d", name, port))
	if err := request.Write(conn); err != nil {
		return nil, err
	}
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, request)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		_ = conn.Close()
		return nil, fmt.Errorf("funnel refused: %v %v", response, err)
	}
	if reader.Buffered() > 0 {
		_ = conn.Close()
		return nil, fmt.Errorf("the node spoke first")
	}
	return map[string]any{"stream": n.keep(conn), "local": source.String()}, nil
}

// peerAPI is where a node of the tailnet answers ingress servers.
func (n *node) peerAPI(ctx context.Context, name string) (string, error) {
	status, err := n.client.Status(ctx)
	if err != nil {
		return "", err
	}
	for _, peer := range status.Peer {
		if strings.TrimSuffix(peer.DNSName, ".") != name {
			continue
		}
		at := slices.IndexFunc(peer.PeerAPIURL, func(text string) bool {
			parsed, err := url.Parse(text)
			if err != nil {
				return false
			}
			host, _, err := net.SplitHostPort(parsed.Host)
			if err != nil {
				return false
			}
			address, err := netip.ParseAddr(host)
			return err == nil && address.Is4()
		})
		if at >= 0 {
			parsed, err := url.Parse(peer.PeerAPIURL[at])
			if err != nil {
				return "", err
			}
			return parsed.Host, nil
		}
	}
	return "", fmt.Errorf("no node %q with a peer API", name)
}
