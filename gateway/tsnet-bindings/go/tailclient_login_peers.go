package main

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"

	"tailscale.com/ipn/ipnstate"
	"tailscale.com/tailcfg"
	"tailscale.com/tsnet"
	"tailscale.com/wgengine/netstack"
)

const peersWithin = 5 * time.Second

// seenNode is a node of the tailnet as the person's own sees it.
type seenNode struct {
	ID        string       `json:"stableId"`
	Name      string       `json:"name"`
	Hostname  string       `json:"hostname"`
	Addresses []netip.Addr `json:"addresses"`
	Online    bool         `json:"online"`
	// User is null for nodes with tags.
	User *string  `json:"user"`
	Tags []string `json:"tags"`
}

func describeLogin(status *ipnstate.Status) string { return asJSON(seen(status, status.Self)) }

func seen(status *ipnstate.Status, node *ipnstate.PeerStatus) seenNode {
	described := seenNode{
		ID:        string(node.ID),
		Name:      strings.TrimSuffix(node.DNSName, "."),
		Hostname:  node.HostName,
		Addresses: append([]netip.Addr{}, node.TailscaleIPs...),
		Online:    node.Online,
		Tags:      []string{},
	}
	if node.Tags != nil && node.Tags.Len() > 0 {
		described.Tags = node.Tags.AsSlice()
	} else if user, found := status.User[node.UserID]; found {
		described.User = &user.LoginName
	}
	return described
}

func (n *loginNode) status() (*ipnstate.Status, error) {
	client, err := n.server.LocalClient()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), peersWithin)
	defer cancel()
	return client.Status(ctx)
}

func listPeers(handle uint64) (string, error) {
	node, err := findLogin(handle)
	if err != nil {
		return "", err
	}
	status, err := node.status()
	if err != nil {
		return "", err
	}
	all := make([]seenNode, 0, len(status.Peer))
	for _, peer := range status.Peer {
		all = append(all, seen(status, peer))
	}
	return asJSON(all), nil
}

// dialPeer connects to a node by its stable id, with the person's node's own stack.
func dialPeer(handle uint64, stableID string, port int, timeout time.Duration) (int, error) {
	node, err := findLogin(handle)
	if err != nil {
		return 0, err
	}
	if port < 1 || port > 65535 {
		return 0, errors.New("no such port")
	}
	status, err := node.status()
	if err != nil {
		return 0, err
	}
	for _, peer := range status.Peer {
		if peer.ID != tailcfg.StableNodeID(stableID) {
			continue
		}
		source, to, err := sameFamily(status.TailscaleIPs, peer.TailscaleIPs)
		if err != nil {
			return 0, err
		}
		return dialInside(node.server, source, netip.AddrPortFrom(to, uint16(port)), timeout)
	}
	return 0, errors.New("the node is not in the tailnet any more")
}

func sameFamily(own, others []netip.Addr) (from, to netip.Addr, err error) {
	for _, to := range others {
		for _, from := range own {
			if from.Is4() == to.Is4() {
				return from, to, nil
			}
		}
	}
	return netip.Addr{}, netip.Addr{}, errors.New("the nodes have no address of the same family")
}

// dialInside connects with a node's own stack and yields Node's end of the connection.
func dialInside(server *tsnet.Server, from netip.Addr, to netip.AddrPort, timeout time.Duration) (int, error) {
	stack, ok := server.Sys().Netstack.Get().(*netstack.Impl)
	if !ok {
		return 0, errors.New("the node has no network stack")
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	conn, err := stack.DialContextTCPWithBind(ctx, from, to)
	if err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return 0, errors.New("timed out")
		}
		return 0, dialFault(err)
	}
	peer, err := nodeStream(conn)
	if err != nil {
		return 0, err
	}
	ours, theirs, err := pairWithNode()
	if err != nil {
		peer.close()
		return 0, err
	}
	spawn(func() { join(ours, peer, nil, new(transfer)) })
	return theirs, nil
}
