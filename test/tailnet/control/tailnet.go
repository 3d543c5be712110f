package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"tailscale.com/tailcfg"
	"tailscale.com/tstest/integration/testcontrol"
	"tailscale.com/types/key"
)

// taggedDevices is who nodes with tags belong to, as in the real thing.
const taggedDevices = "tagged-devices"

// tailnet is what testcontrol does not keep: keys, who owns a node, whether it is online, what it may do.
type tailnet struct {
	options options
	control *testcontrol.Server

	// mu is taken before testcontrol's own.
	mu          sync.Mutex
	autoApprove bool
	funnel      bool
	keys        map[string]*authKey
	members     map[key.NodePublic]*member
	logins      []string
	// asked are logins with a browser that are going on, by their URL.
	asked  map[string]*askedLogin
	reborn int
}

// member is a node with what testcontrol does not know of it.
type member struct {
	key       key.NodePublic
	id        tailcfg.NodeID
	stableID  tailcfg.StableNodeID
	login     string
	ephemeral bool
	authKeyID string
	created   time.Time
	lastSeen  time.Time
	// expires is zero when the node's key is good for ever.
	expires  time.Time
	approved []netip.Prefix
	// rules replaces the packet filter when it is not nil.
	rules  []tailcfg.FilterRule
	funnel *bool
	// stream is woken when the network map changed; nil while the node is not connected.
	stream chan struct{}
	// removal ends an ephemeral node that stays away.
	removal *time.Timer
}

func newTailnet(options options, derp *tailcfg.DERPMap) *tailnet {
	t := &tailnet{
		options:     options,
		autoApprove: options.AutoApprove,
		funnel:      options.Funnel,
		keys:        map[string]*authKey{},
		members:     map[key.NodePublic]*member{},
		asked:       map[string]*askedLogin{},
	}
	t.control = &testcontrol.Server{
		Logf:           logfOf(options),
		DERPMap:        derp,
		DNSConfig:      &tailcfg.DNSConfig{Proxied: true},
		MagicDNSDomain: options.Domain,
		AltMapStream:   t.streamMap,
	}
	return t
}

// changed wakes every stream. The lock is held.
func (t *tailnet) changed() {
	for _, m := range t.members {
		m.wake()
	}
}

func (m *member) wake() {
	select {
	case m.stream <- struct{}{}:
	default:
	}
}

func (m *member) expired() bool { return !m.expires.IsZero() && m.expires.Before(time.Now()) }

// byStableID finds a member. The lock is held.
func (t *tailnet) byStableID(id string) (*member, *tailcfg.Node, error) {
	for _, m := range t.members {
		if string(m.stableID) == id || fmt.Sprint(int64(m.id)) == id {
			return m, t.control.Node(m.key), nil
		}
	}
	return nil, nil, fmt.Errorf("no node %q", id)
}

// sorted lists members, oldest first. The lock is held.
func (t *tailnet) sorted() []*member {
	all := make([]*member, 0, len(t.members))
	for _, m := range t.members {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b *member) int { return a.created.Compare(b.created) })
	return all
}

// remove takes a node out of the tailnet; it is told that its key is worthless. The lock is held.
func (t *tailnet) remove(m *member) {
	delete(t.members, m.key)
	m.expires = time.Unix(1, 0)
	if m.removal != nil {
		m.removal.Stop()
	}
	m.wake()
	t.changed()
}

// userOf is the number of a login name, the same for the whole life of the tailnet. The lock is held.
func (t *tailnet) userOf(login string) tailcfg.UserID {
	at := slices.Index(t.logins, login)
	if at < 0 {
		at = len(t.logins)
		t.logins = append(t.logins, login)
	}
	return tailcfg.UserID(1000 + at)
}

// profiles of everyone who has a node. The lock is held.
func (t *tailnet) profiles() []tailcfg.UserProfile {
	var all []tailcfg.UserProfile
	for _, login := range t.logins {
		name, _, _ := strings.Cut(login, "@")
		if login == taggedDevices {
			name = "Tagged Devices"
		}
		all = append(all, tailcfg.UserProfile{ID: t.userOf(login), LoginName: login, DisplayName: name})
	}
	return all
}
