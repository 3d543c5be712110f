package main

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"

	"tailscale.com/ipn/store/mem"
	"tailscale.com/tsnet"
)

// Operations of a tailnet's client nodes; protocol.ts has the same list.
const (
	opStartTailnetClient  = 60
	opAttachTun           = 61
	opTailnetDial         = 62
	opLogoutClient        = 63
	opCancelTailnetClient = 64
)

const (
	joinWithin   = time.Minute
	logoutWithin = 5 * time.Second
)

// tailnetClient is an ephemeral node of one run; its packets come from the TUN device of the run's namespace and all
// of them go to its exit node, the gateway.
type tailnetClient struct {
	id      uint64
	counts  tally
	server  *tsnet.Server
	tun     *lateTun
	self    []netip.Addr
	gateway []netip.Addr
	// unfollow ends what goes on beside the node.
	unfollow context.CancelFunc
}

type tailnetClientSettings struct {
	StateDir   string `json:"stateDir"`
	Hostname   string `json:"hostname"`
	AuthKey    string `json:"authKey"`
	ControlURL string `json:"controlUrl"`
	ExitNode   string `json:"exitNode"`
	// TimeoutMs bounds the start; 0 is a minute.
	TimeoutMs int `json:"timeoutMs"`
}

func (c *tailnetClient) handle() uint64 { return c.id }
func (c *tailnetClient) tally() *tally  { return &c.counts }

func (c *tailnetClient) stop() error {
	c.unfollow()
	// it closes the TUN device too
	return c.server.Close()
}

// starting holds what ends a start, by the number JavaScript gave it.
var starting struct {
	sync.Mutex
	cancels map[uint64]context.CancelFunc
}

func performTailnetClient(c call) {
	switch c.op {
	case opStartTailnetClient:
		c.answerStart(startTailnetClient)
	case opCancelTailnetClient:
		cancelStart(c.id)
	case opAttachTun:
		c.answer(func() (int64, string, error) { return 0, "", attachTun(c.id, int(c.a)) })
	case opTailnetDial:
		c.answer(func() (int64, string, error) {
			fd, err := tailnetDial(c.id, c.text, c.millis(c.a))
			return int64(fd), "", err
		})
	case opLogoutClient:
		c.answer(func() (int64, string, error) {
			client, err := findClient(c.id)
			if err != nil {
				return 0, "", err
			}
			return 0, "", logOut(client.server, logoutWithin)
		})
	}
}

// answerStart runs the start of a node until it is done or cancelled.
func (c call) answerStart(start func(ctx context.Context, text string) (int64, string, error)) {
	ctx, cancel := context.WithCancel(context.Background())
	starting.Lock()
	if starting.cancels == nil {
		starting.cancels = map[uint64]context.CancelFunc{}
	}
	starting.cancels[c.id] = cancel
	starting.Unlock()
	c.answer(func() (int64, string, error) {
		defer cancelStart(c.id)
		return start(ctx, c.text)
	})
}

func cancelStart(id uint64) {
	starting.Lock()
	defer starting.Unlock()
	if cancel := starting.cancels[id]; cancel != nil {
		cancel()
		delete(starting.cancels, id)
	}
}

func startTailnetClient(ctx context.Context, text string) (int64, string, error) {
	var settings tailnetClientSettings
	if err := parseSettings(text, &settings); err != nil {
		return 0, "", err
	}
	exitNode, err := settings.check()
	if err != nil {
		return 0, "", err
	}
	within := joinWithin
	if settings.TimeoutMs > 0 {
		within = time.Duration(settings.TimeoutMs) * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	c := &tailnetClient{id: transports.reserve(), tun: newLateTun()}
	c.server = &tsnet.Server{
		Dir:        settings.StateDir,
		Hostname:   settings.Hostname,
		AuthKey:    settings.AuthKey,
		ControlURL: settings.ControlURL,
		Ephemeral:  true,
		// the node's keys are never in a file
		Store:    new(mem.Store),
		Tun:      c.tun,
		Logf:     func(string, ...any) {},
		UserLogf: func(string, ...any) {},
	}
	if err := c.server.Start(); err != nil {
		_ = c.tun.Close()
		return 0, "", joinFault{"setup", withoutKey(err.Error(), settings.AuthKey)}
	}
	name, err := c.join(ctx, exitNode)
	if err != nil {
		// whoever watches the node holds up its end
		cancel()
		// it may have become a node already
		_ = logOut(c.server, time.Second)
		_ = c.server.Close()
		return 0, "", joinFault{faultKind(err), withoutKey(faultText(err), settings.AuthKey)}
	}
	if err := c.follow(); err != nil {
		_ = c.server.Close()
		return 0, "", err
	}
	transports.add(c)
	return int64(c.id), asJSON(c.describe(name)), nil
}

func (c *tailnetClient) describe(name string) map[string]any {
	described := map[string]any{"address4": nil, "address6": nil, "name": name}
	for _, address := range c.self {
		if address.Is4() {
			described["address4"] = address.String()
		} else {
			described["address6"] = address.String()
		}
	}
	return described
}

func findClient(handle uint64) (*tailnetClient, error) {
	client, ok := transports.find(handle).(*tailnetClient)
	if !ok {
		return nil, errNoTransport
	}
	return client, nil
}

// attachTun owns the descriptor from here on, whatever the outcome.
func attachTun(handle uint64, fd int) error {
	client, err := findClient(handle)
	if err != nil {
		closeFd(fd)
		return err
	}
	return client.tun.attach(fd, client.gateway)
}

// tailnetDial connects to the gateway with the node's own stack, never with a socket of this machine.
func tailnetDial(handle uint64, to string, timeout time.Duration) (int, error) {
	client, err := findClient(handle)
	if err != nil {
		return 0, err
	}
	address, err := parseAddress(to)
	if err != nil {
		return 0, err
	}
	source, err := client.sourceFor(address.Addr())
	if err != nil {
		return 0, err
	}
	return dialInside(client.server, source, address, timeout)
}

func (c *tailnetClient) sourceFor(to netip.Addr) (netip.Addr, error) {
	if !slices.Contains(c.gateway, to) {
		return netip.Addr{}, errors.New("only the gateway can be dialled")
	}
	for _, address := range c.self {
		if address.Is4() == to.Is4() {
			return address, nil
		}
	}
	return netip.Addr{}, errors.New("the node has no address of this family")
}
