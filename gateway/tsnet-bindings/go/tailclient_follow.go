package main

import (
	"context"
	"slices"
	"time"

	"tailscale.com/client/local"
	"tailscale.com/ipn"
	"tailscale.com/tailcfg"
)

const (
	// renewEvery and renewAtMost bound what is done for a gateway that starts anew; WireGuard alone tries every 5 s,
	// and at first at the address the gateway had before.
	renewEvery  = 500 * time.Millisecond
	renewAtMost = 20
)

// follow keeps the way to the gateway open when that is started anew.
func (c *tailnetClient) follow() error {
	client, err := c.server.LocalClient()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.unfollow = cancel
	restarted := make(chan *tailcfg.Node, 1)
	spawn(func() { c.watchGateway(ctx, client, restarted) })
	spawn(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case gateway := <-restarted:
				c.renew(ctx, client, gateway)
			}
		}
	})
	return nil
}

// watchGateway tells of a gateway whose disco key is another one: each process makes its own.
func (c *tailnetClient) watchGateway(ctx context.Context, client *local.Client, restarted chan<- *tailcfg.Node) {
	var last *tailcfg.Node
	for ctx.Err() == nil {
		watcher, err := client.WatchIPNBus(ctx, ipn.NotifyInitialNetMap|ipn.NotifyPeerChanges)
		if err != nil {
			return
		}
		for {
			seen, err := watcher.Next()
			if err != nil {
				break
			}
			for _, peer := range peersIn(seen) {
				if !c.isGateway(peer) {
					continue
				}
				if last != nil && last.DiscoKey != peer.DiscoKey {
					select {
					case restarted <- peer:
					default:
					}
				}
				last = peer
			}
		}
		_ = watcher.Close()
	}
}

// peersIn yields all peers at first, then those that changed.
func peersIn(seen ipn.Notify) []*tailcfg.Node {
	if seen.NetMap == nil {
		return seen.PeersChanged
	}
	peers := make([]*tailcfg.Node, 0, len(seen.NetMap.Peers))
	for _, peer := range seen.NetMap.Peers {
		peers = append(peers, peer.AsStruct())
	}
	return append(peers, seen.PeersChanged...)
}

func (c *tailnetClient) isGateway(peer *tailcfg.Node) bool {
	for _, prefix := range peer.Addresses {
		if slices.Contains(c.gateway, prefix.Addr()) {
			return true
		}
	}
	return false
}

// renew forgets where the gateway was and what was agreed with its former process, until it has answered.
func (c *tailnetClient) renew(ctx context.Context, client *local.Client, gateway *tailcfg.Node) {
	since := time.Now()
	tick := time.NewTicker(renewEvery)
	defer tick.Stop()
	for range renewAtMost {
		c.server.Sys().MagicSock.Get().Rebind()
		c.server.Sys().Engine.Get().ResetDevicePeer(gateway.Key)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		status, err := client.Status(ctx)
		if err != nil {
			return
		}
		if peer := status.Peer[gateway.Key]; peer != nil && peer.LastHandshake.After(since) {
			return
		}
	}
}
