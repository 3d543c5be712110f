package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"tailscale.com/ipn/ipnstate"
)

// command of a test; which fields count depends on what to do.
type command struct {
	ID        int            `json:"id"`
	Do        string         `json:"do"`
	Network   string         `json:"network"`
	To        string         `json:"to"`
	Stream    int            `json:"stream"`
	Bytes     []byte         `json:"bytes"`
	Most      int            `json:"most"`
	TimeoutMs int            `json:"timeoutMs"`
	Port      int            `json:"port"`
	Source    netip.AddrPort `json:"source"`
	Advertise []netip.Prefix `json:"advertise"`
	ExitNode  *netip.Addr    `json:"exitNode"`
}

// obey answers commands, all at once, until there are no more.
func (n *node) obey(reader *bufio.Reader) error {
	for {
		line, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var c command
		if err := json.Unmarshal(line, &c); err != nil {
			return err
		}
		go n.perform(c)
	}
}

func (n *node) perform(c command) {
	if c.TimeoutMs == 0 {
		c.TimeoutMs = 10_000
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(c.TimeoutMs)*time.Millisecond)
	defer cancel()
	value, err := n.do(ctx, c)
	if err != nil {
		n.write(map[string]any{"id": c.ID, "error": err.Error()})
		return
	}
	n.write(map[string]any{"id": c.ID, "value": value})
}

func (n *node) do(ctx context.Context, c command) (any, error) {
	switch c.Do {
	case "open":
		return n.open(ctx, c.Network, c.To)
	case "write", "read", "end", "close":
		return n.use(ctx, c)
	case "get":
		return n.get(ctx, c.To)
	case "listen":
		return nil, n.listen(c.Port)
	case "listen-funnel":
		return nil, n.listenFunnel(c.Port, c.To)
	case "funnel":
		return n.funnel(ctx, c.To, c.Port, c.Source)
	case "status":
		return n.client.Status(ctx)
	case "whois":
		return n.client.WhoIs(ctx, c.To)
	case "advertise":
		return nil, n.advertise(ctx, c.Advertise)
	case "exit-node":
		return nil, n.useExitNode(ctx, *c.ExitNode)
	case "logout":
		return nil, n.client.Logout(ctx)
	default:
		return nil, fmt.Errorf("unknown command %q", c.Do)
	}
}

// get fetches a URL through the tailnet.
func (n *node) get(ctx context.Context, url string) (any, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{DialContext: n.server.Dial, DisableKeepAlives: true}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	return map[string]any{"status": response.StatusCode, "body": string(body)}, err
}

// offers tells whether a peer lets others use it as their exit node.
func offers(status *ipnstate.Status, exit netip.Addr) bool {
	for _, peer := range status.Peer {
		if peer.ExitNodeOption && slices.Contains(peer.TailscaleIPs, exit) {
			return true
		}
	}
	return false
}
