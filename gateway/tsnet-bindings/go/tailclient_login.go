package main

import (
	"context"
	"errors"
	"os"
	"time"

	"tailscale.com/ipn"
	"tailscale.com/ipn/store/mem"
	"tailscale.com/tsnet"
)

// Operations of a person's own node; protocol.ts has the same list.
const (
	opStartLogin  = 65
	opLoginURL    = 66
	opListPeers   = 67
	opDialPeer    = 68
	opLogoutLogin = 69
)

const (
	loginWithin = 10 * time.Minute
	// loginLogoutWithin is longer than for a run's node: this one stays in the tailnet if nobody hears of its end.
	loginLogoutWithin = 10 * time.Second
	mostLinks         = 4
)

// loginNode is a node of a person's own account for as long as a join takes: it reaches others, nobody reaches it.
type loginNode struct {
	id     uint64
	counts tally
	server *tsnet.Server
}

type loginSettings struct {
	StateDir string `json:"stateDir"`
	Hostname string `json:"hostname"`
	// AuthKey is empty for a login with a browser.
	AuthKey    string `json:"authKey"`
	ControlURL string `json:"controlUrl"`
	// TimeoutMs bounds the login; 0 is ten minutes.
	TimeoutMs int `json:"timeoutMs"`
}

// ramStore keeps the node's keys in memory. tsnet makes every node of mem.Store itself an ephemeral one, which the
// control server does not bring up after a login with a browser.
type ramStore struct{ mem.Store }

func (n *loginNode) handle() uint64 { return n.id }
func (n *loginNode) tally() *tally  { return &n.counts }
func (n *loginNode) stop() error    { return n.server.Close() }

func performLogin(c call) {
	switch c.op {
	case opStartLogin:
		link := links.open(c.id)
		c.answerStart(func(ctx context.Context, text string) (int64, string, error) {
			defer links.close(c.id)
			return startLogin(ctx, text, link)
		})
	case opLoginURL:
		c.answer(func() (int64, string, error) { return 0, links.next(c.id, c.text), nil })
	case opListPeers:
		c.answer(func() (int64, string, error) {
			text, err := listPeers(c.id)
			return 0, text, err
		})
	case opDialPeer:
		c.answer(func() (int64, string, error) {
			fd, err := dialPeer(c.id, c.text, int(c.a), c.millis(c.b))
			return int64(fd), "", err
		})
	case opLogoutLogin:
		c.answer(func() (int64, string, error) {
			node, err := findLogin(c.id)
			if err != nil {
				return 0, "", err
			}
			return 0, "", logOut(node.server, loginLogoutWithin)
		})
	}
}

func findLogin(handle uint64) (*loginNode, error) {
	node, ok := transports.find(handle).(*loginNode)
	if !ok {
		return nil, errNoTransport
	}
	return node, nil
}

// startLogin answers once the node runs. The server is started anew, with the same machine key, when the link that
// was shown is worthless: it would offer that one for ever.
func startLogin(ctx context.Context, text string, link *loginLink) (int64, string, error) {
	var settings loginSettings
	if err := parseSettings(text, &settings); err != nil {
		return 0, "", err
	}
	if err := settings.check(); err != nil {
		return 0, "", err
	}
	within := loginWithin
	if settings.TimeoutMs > 0 {
		within = time.Duration(settings.TimeoutMs) * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	store := settings.store()
	for attempt := 1; ; attempt++ {
		server := settings.server(store)
		if err := server.Start(); err != nil {
			// it has cleaned up after itself, and cannot be closed
			return 0, "", joinFault{"setup", withoutKey(err.Error(), settings.AuthKey)}
		}
		described, err := waitForLogin(ctx, server, link, settings.AuthKey != "")
		if err == nil {
			node := &loginNode{id: transports.reserve(), server: server}
			transports.add(node)
			return int64(node.id), described, nil
		}
		if errors.Is(err, errLinkSpent) && attempt < mostLinks {
			_ = server.Close()
			continue
		}
		// it may have become a node already
		_ = logOut(server, loginLogoutWithin)
		_ = server.Close()
		return 0, "", joinFault{faultKind(err), withoutKey(faultText(err), settings.AuthKey)}
	}
}

// check completes the settings, so that none is taken from the environment.
func (s *loginSettings) check() error {
	if err := checkOwnNode(s.StateDir, s.Hostname, s.AuthKey, &s.ControlURL); err != nil {
		return err
	}
	// without a key of its own the library takes one from here
	for _, name := range []string{
		"TS_AUTHKEY", "TS_AUTH_KEY", "TS_CLIENT_SECRET", "TS_CLIENT_ID", "TS_ID_TOKEN", "TS_AUDIENCE",
	} {
		_ = os.Unsetenv(name)
	}
	return nil
}

func (s *loginSettings) store() ipn.StateStore {
	if s.AuthKey == "" {
		return new(ramStore)
	}
	return new(mem.Store)
}

func (s *loginSettings) server(store ipn.StateStore) *tsnet.Server {
	return &tsnet.Server{
		Dir:        s.StateDir,
		Hostname:   s.Hostname,
		AuthKey:    s.AuthKey,
		ControlURL: s.ControlURL,
		Ephemeral:  s.AuthKey != "",
		Store:      store,
		Logf:       func(string, ...any) {},
		UserLogf:   func(string, ...any) {},
	}
}

// logOut removes a node from its tailnet; closing alone would leave it there.
func logOut(server *tsnet.Server, within time.Duration) error {
	local, err := server.LocalClient()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	return local.Logout(ctx)
}
