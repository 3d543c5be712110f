package main

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tailscale.com/client/local"
	"tailscale.com/ipn"
	"tailscale.com/ipn/ipnstate"
)

// offeredWithin is how long a node that is in the tailnet waits for its gateway to appear there as an exit node.
const offeredWithin = 5 * time.Second

// failingFor is how long a node may fail to talk to its control server, time after time, before that is told.
const failingFor = 6 * time.Second

// joinFault says what kept a node out; JavaScript reads its kind and gives the advice.
type joinFault struct{ kind, text string }

func (f joinFault) Error() string { return "tailnet " + f.kind + ": " + f.text }

// join waits until the node runs and its exit node is set, and yields the node's name.
func (c *tailnetClient) join(ctx context.Context, exitNode netip.Addr) (string, error) {
	client, err := c.server.LocalClient()
	if err != nil {
		return "", err
	}
	// before the first network map, which then needs no second round
	if err := useExitNode(ctx, client, exitNode); err != nil {
		return "", err
	}
	changes, refused := watchNode(ctx, client)
	looks := time.NewTicker(time.Second)
	defer looks.Stop()
	var offered <-chan time.Time
	progress := joinProgress{exitNode: exitNode}
	for {
		select {
		case text := <-refused:
			return "", joinFault{"refused", text}
		case <-offered:
			if !progress.offered {
				return "", progress.missing()
			}
			continue
		case <-ctx.Done():
			return "", progress.late(ctx.Err())
		case <-changes:
		case <-looks.C:
		}
		status, err := client.Status(ctx)
		if err != nil {
			continue
		}
		if fault := progress.see(status); fault != nil {
			return "", fault
		}
		if progress.joined && offered == nil {
			offered = time.After(offeredWithin)
		}
		if progress.ready {
			if !slices.ContainsFunc(status.TailscaleIPs, netip.Addr.Is4) {
				return "", joinFault{"setup", "the tailnet gave the node no IPv4 address"}
			}
			c.self, c.gateway = status.TailscaleIPs, progress.gateway
			return strings.TrimSuffix(status.Self.DNSName, "."), nil
		}
	}
}

// useExitNode makes the gateway the only way out and lets nobody in.
func useExitNode(ctx context.Context, client *local.Client, exitNode netip.Addr) error {
	_, err := client.EditPrefs(ctx, &ipn.MaskedPrefs{
		ExitNodeIPSet: true,
		CorpDNSSet:    true,
		RouteAllSet:   true,
		ShieldsUpSet:  true,
		Prefs:         ipn.Prefs{ExitNodeIP: exitNode, CorpDNS: false, RouteAll: false, ShieldsUp: true},
	})
	return err
}

// watchNode tells of changes worth a look at the status, and of what control refused.
func watchNode(ctx context.Context, client *local.Client) (<-chan struct{}, <-chan string) {
	changes, refused := make(chan struct{}, 1), make(chan string, 1)
	spawn(func() {
		for ctx.Err() == nil {
			watcher, err := client.WatchIPNBus(ctx, ipn.NotifyInitialState|ipn.NotifyPeerChanges|ipn.NotifyInitialHealthState)
			if err != nil {
				return
			}
			followNode(watcher, changes, refused)
			_ = watcher.Close()
		}
	})
	return changes, refused
}

// followNode ends when the watcher does; one that falls behind is ended by the node.
func followNode(watcher *local.IPNBusWatcher, changes chan<- struct{}, refused chan<- string) {
	for {
		seen, err := watcher.Next()
		if err != nil {
			return
		}
		if seen.ErrMessage != nil && !strings.HasPrefix(*seen.ErrMessage, "node registration rate limited") {
			select {
			case refused <- *seen.ErrMessage:
			default:
			}
		}
		select {
		case changes <- struct{}{}:
		default:
		}
	}
}

// joinProgress is how far a node has come.
type joinProgress struct {
	exitNode netip.Addr
	// joined: the tailnet has told the node who is in it.
	joined bool
	// visible: the gateway is in it; offered: as an exit node.
	visible, offered, ready bool
	gateway                 []netip.Addr
	state                   string
	lastErr                 string
	// failing is since when there is an error; zero: there is none.
	failing time.Time
}

func (p *joinProgress) see(status *ipnstate.Status) error {
	p.state = status.BackendState
	p.lastErr = loginError(status.Health)
	switch {
	case status.AuthURL != "":
		return joinFault{"refused", "the auth key was not accepted"}
	case status.BackendState == ipn.NeedsMachineAuth.String():
		return joinFault{"unapproved", "the node has to be approved by an administrator"}
	case refusedByControl(p.lastErr):
		return joinFault{"refused", p.lastErr}
	case p.lastErr == "":
		p.failing = time.Time{}
	case p.failing.IsZero():
		p.failing = time.Now()
	case time.Since(p.failing) > failingFor:
		return joinFault{"unreachable", p.lastErr}
	}
	p.joined = status.Self != nil && len(status.TailscaleIPs) > 0 && status.Self.InNetworkMap
	p.visible, p.offered, p.ready = false, false, false
	for _, peer := range status.Peer {
		if !slices.Contains(peer.TailscaleIPs, p.exitNode) {
			continue
		}
		p.visible = true
		p.gateway = peer.TailscaleIPs
		p.offered = peer.ExitNodeOption
		p.ready = p.offered && peer.ExitNode && status.BackendState == ipn.Running.String()
	}
	return nil
}

func (p *joinProgress) missing() error {
	if !p.visible {
		return joinFault{"invisible", "no node with the gateway's address is visible to this device"}
	}
	return joinFault{"exit-node", "the gateway is not approved as an exit node"}
}

func (p *joinProgress) late(err error) error {
	if errors.Is(err, context.Canceled) {
		return joinFault{"cancelled", "stopped"}
	}
	if p.joined {
		return joinFault{"unreachable", "no relay server of the tailnet can be reached"}
	}
	if p.lastErr != "" {
		return joinFault{"unreachable", p.lastErr}
	}
	return joinFault{"unreachable", "the control server does not answer, state " + p.state}
}

const loginErrorMark = "The last login error was: "

func loginError(health []string) string {
	for _, line := range health {
		if _, cause, found := strings.Cut(line, loginErrorMark); found {
			return cause
		}
	}
	return ""
}

// refusedByControl tells an answer from a failure to get one.
func refusedByControl(cause string) bool {
	_, status, found := strings.Cut(cause, "register request: http ")
	return found && strings.HasPrefix(status, "4")
}
