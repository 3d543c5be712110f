package main

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"

	"tailscale.com/client/local"
	"tailscale.com/ipn"
	"tailscale.com/ipn/ipnlocal"
	"tailscale.com/tsnet"
)

// Operations of the gateway's node; protocol.ts has the same list.
const (
	opStartTailnet    = 50
	opAdvertise       = 51
	opWhois           = 52
	opListen          = 53
	opUnlisten        = 54
	opTailnetStatus   = 55
	opEndNode         = 56
	opLogout          = 57
	opEndpoints       = 58
	nodeStartsWithin  = 90 * time.Second
	nodeAnswersWithin = 10 * time.Second
)

// tailnetNode is the gateway in its tailnet: everything that other nodes send through it arrives here.
type tailnetNode struct {
	id      uint64
	counts  tally
	server  *tsnet.Server
	client  *local.Client
	backend *ipnlocal.LocalBackend

	mu        sync.Mutex
	stopped   bool
	listeners map[uint64]*ownPort
	routes    []netip.Prefix
	self      []netip.Addr
}

type tailnetSettings struct {
	StateDir   string   `json:"stateDir"`
	Hostname   string   `json:"hostname"`
	AuthKey    string   `json:"authKey"`
	ControlURL string   `json:"controlUrl"`
	Routes     []string `json:"routes"`
}

func (n *tailnetNode) handle() uint64 { return n.id }
func (n *tailnetNode) tally() *tally  { return &n.counts }

func (n *tailnetNode) isStopped() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.stopped
}

func (n *tailnetNode) stop() error {
	n.mu.Lock()
	n.stopped = true
	open := n.listeners
	n.listeners = map[uint64]*ownPort{}
	n.mu.Unlock()
	for _, port := range open {
		port.close()
	}
	resetEndpoints(n.server)
	closed := make(chan error, 1)
	spawn(func() { closed <- n.server.Close() })
	select {
	case err := <-closed:
		return err
	case <-time.After(nodeAnswersWithin):
		return errors.New("the node does not end")
	}
}

func performTailnet(c call) {
	switch c.op {
	case opStartTailnet:
		c.answerStart(startTailnet)
	case opListen:
		spawn(func() { listenFor(c) })
	case opUnlisten:
		c.answer(func() (int64, string, error) { return 0, "", unlisten(c.id, uint64(c.a)) })
	default:
		c.answer(func() (int64, string, error) {
			n, err := findNode(c.id)
			if err != nil {
				return 0, "", err
			}
			return n.perform(c)
		})
	}
}

func (n *tailnetNode) perform(c call) (int64, string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), nodeAnswersWithin)
	defer cancel()
	switch c.op {
	case opAdvertise:
		var routes []string
		if err := parseSettings(c.text, &routes); err != nil {
			return 0, "", err
		}
		return 0, "", n.advertise(ctx, routes)
	case opWhois:
		text, err := n.whois(c.text)
		return 0, text, err
	case opEndNode:
		n.endNode(c.text)
		return 0, "", nil
	case opTailnetStatus:
		text, err := n.status(ctx)
		return 0, text, err
	case opEndpoints:
		text, err := n.endpoints(ctx)
		return 0, text, err
	case opLogout:
		return 0, "", n.client.Logout(ctx)
	}
	return 0, "", errors.New("no such operation")
}

func findNode(handle uint64) (*tailnetNode, error) {
	n, ok := transports.find(handle).(*tailnetNode)
	if !ok {
		return nil, errNoTransport
	}
	return n, nil
}

// startTailnet answers once the node is in the tailnet.
func startTailnet(ctx context.Context, text string) (int64, string, error) {
	var settings tailnetSettings
	if err := parseSettings(text, &settings); err != nil {
		return 0, "", err
	}
	routes, err := settings.check()
	if err != nil {
		return 0, "", err
	}
	n := &tailnetNode{id: transports.reserve(), listeners: map[uint64]*ownPort{}}
	n.server = &tsnet.Server{
		Dir:        settings.StateDir,
		Hostname:   settings.Hostname,
		AuthKey:    settings.AuthKey,
		ControlURL: settings.ControlURL,
		Port:       lastPort(settings.StateDir),
		Logf:       func(string, ...any) {},
		UserLogf:   func(string, ...any) {},
	}
	if err := n.server.Start(); err != nil {
		// it has cleaned up after itself, and cannot be closed
		return 0, "", joinFault{"setup", withoutKey(err.Error(), settings.AuthKey)}
	}
	transports.add(n)
	if err := n.begin(ctx, settings.AuthKey, routes); err != nil {
		return 0, "", errors.Join(err, stopTransport(n.id))
	}
	n.keepPort(settings.StateDir)
	ctx, cancel := context.WithTimeout(ctx, nodeAnswersWithin)
	defer cancel()
	described, err := n.status(ctx)
	if err != nil {
		return 0, "", errors.Join(err, stopTransport(n.id))
	}
	return int64(n.id), described, nil
}

// check completes the settings, so that none is taken from the environment.
func (s *tailnetSettings) check() ([]netip.Prefix, error) {
	if err := checkOwnNode(s.StateDir, s.Hostname, s.AuthKey, &s.ControlURL); err != nil {
		return nil, err
	}
	return parseRoutes(s.Routes)
}

func parseRoutes(texts []string) ([]netip.Prefix, error) {
	routes := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		route, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, joinFault{"setup", "a route is not a prefix: " + text}
		}
		routes = append(routes, route)
	}
	return routes, nil
}

// begin brings the node into the tailnet.
func (n *tailnetNode) begin(ctx context.Context, authKey string, routes []netip.Prefix) error {
	var err error
	if n.client, err = n.server.LocalClient(); err != nil {
		return err
	}
	if n.backend, err = backendOf(n.server); err != nil {
		return err
	}
	// before anybody can send anything
	if err := n.takeFlows(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, nodeStartsWithin)
	defer cancel()
	if err := n.offer(ctx, routes); err != nil {
		return err
	}
	if err := n.waitUntilRunning(ctx); err != nil {
		// whoever watches the node holds up its end
		cancel()
		return joinFault{faultKind(err), withoutKey(faultText(err), authKey)}
	}
	return nil
}

// waitUntilRunning ends early when the control server says no: waiting would not change its mind.
func (n *tailnetNode) waitUntilRunning(ctx context.Context) error {
	changes, refused := watchNode(ctx, n.client)
	looks := time.NewTicker(time.Second)
	defer looks.Stop()
	var progress joinProgress
	for {
		select {
		case text := <-refused:
			return joinFault{"refused", text}
		case <-ctx.Done():
			return progress.late(ctx.Err())
		case <-changes:
		case <-looks.C:
		}
		status, err := n.client.Status(ctx)
		if err != nil {
			continue
		}
		if fault := progress.see(status); fault != nil {
			return fault
		}
		if status.BackendState == ipn.Running.String() && slices.ContainsFunc(status.TailscaleIPs, netip.Addr.Is4) {
			n.mu.Lock()
			n.self = status.TailscaleIPs
			n.mu.Unlock()
			return nil
		}
	}
}

func (n *tailnetNode) advertise(ctx context.Context, texts []string) error {
	routes, err := parseRoutes(texts)
	if err != nil {
		return err
	}
	return n.offer(ctx, routes)
}

// offer also takes shields down: everything comes in through this node.
func (n *tailnetNode) offer(ctx context.Context, routes []netip.Prefix) error {
	_, err := n.client.EditPrefs(ctx, &ipn.MaskedPrefs{
		AdvertiseRoutesSet: true,
		CorpDNSSet:         true,
		Prefs:              ipn.Prefs{AdvertiseRoutes: routes, CorpDNS: false},
	})
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.routes = routes
	return nil
}
