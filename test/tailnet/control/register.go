package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"time"

	"tailscale.com/net/tsaddr"
	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
	"tailscale.com/util/rands"
)

// register lets a node in that is known already or has a good key; testcontrol then makes the node.
func (t *tailnet) register(w http.ResponseWriter, r *http.Request, control http.Handler) {
	var asked tailcfg.RegisterRequest
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&asked); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if asked.Followup != "" {
		t.followUp(w, r, asked, control)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	known := t.members[asked.NodeKey]
	if !asked.Expiry.IsZero() && asked.Expiry.Before(time.Now()) {
		t.logOut(known)
		answer(w, tailcfg.RegisterResponse{NodeKeyExpired: true})
		return
	}
	if known != nil && !known.expired() {
		answer(w, t.welcome(known))
		return
	}
	if asked.Auth == nil || asked.Auth.AuthKey == "" {
		if known != nil {
			answer(w, tailcfg.RegisterResponse{NodeKeyExpired: true})
			return
		}
		answer(w, tailcfg.RegisterResponse{AuthURL: t.askPerson(asked)})
		return
	}
	k, err := t.findKey(asked.Auth.AuthKey)
	if err != nil {
		answer(w, tailcfg.RegisterResponse{Error: err.Error()})
		return
	}
	k.Used++
	m, err := t.admit(r, asked, control)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	m.login, m.ephemeral, m.authKeyID = k.login(), k.Ephemeral || asked.Ephemeral, k.ID
	t.settle(m, asked.Hostinfo.Hostname, k.Tags)
	answer(w, t.welcome(m))
}

// settle makes a node that was let in one that can be used. The lock is held.
func (t *tailnet) settle(m *member, hostname string, tags []string) {
	m.expires = time.Time{}
	node := t.control.Node(m.key)
	node.Tags = slices.Clone(tags)
	t.rename(node, hostname)
	t.control.UpdateNode(node)
	t.awaitConnection(m)
}

// logOut ends what a node is, at its own wish. The lock is held.
func (t *tailnet) logOut(m *member) {
	switch {
	case m == nil:
	case m.ephemeral:
		t.remove(m)
	default:
		m.expires = time.Unix(1, 0)
		t.changed()
	}
}

// admit makes testcontrol make a node, or take over the one whose key this replaces. The lock is held.
func (t *tailnet) admit(r *http.Request, asked tailcfg.RegisterRequest, control http.Handler) (*member, error) {
	old := t.members[asked.OldNodeKey]
	wasRemoved := t.members[asked.NodeKey] == nil && t.control.Node(asked.NodeKey) != nil
	if old == nil {
		asked.OldNodeKey = key.NodePublic{}
	}
	body, err := json.Marshal(asked)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	control.ServeHTTP(httptest.NewRecorder(), r)
	node := t.control.Node(asked.NodeKey)
	if wasRemoved {
		t.reborn++
		node.ID = tailcfg.NodeID(0x4000 + t.reborn)
		node.StableID = tailcfg.StableNodeID("TESTCTRL" + rands.HexString(8))
		v4 := netip.AddrFrom4([4]byte{100, 64, byte(node.ID >> 8), byte(node.ID)})
		node.Addresses = []netip.Prefix{netip.PrefixFrom(v4, 32), netip.PrefixFrom(tsaddr.Tailscale4To6(v4), 128)}
		node.AllowedIPs = node.Addresses
		t.control.UpdateNode(node)
	}
	m := t.members[asked.NodeKey]
	if m == nil {
		m = &member{key: asked.NodeKey, created: time.Now()}
	}
	if old != nil && old != m {
		m.created, m.approved, m.rules, m.funnel = old.created, old.approved, old.rules, old.funnel
		delete(t.members, old.key)
		old.wake()
	}
	m.id, m.stableID, m.lastSeen = node.ID, node.StableID, time.Now()
	t.members[m.key] = m
	return m, nil
}

// welcome tells a node who it is. The lock is held.
func (t *tailnet) welcome(m *member) tailcfg.RegisterResponse {
	id := t.userOf(m.login)
	return tailcfg.RegisterResponse{
		User:              tailcfg.User{ID: id, DisplayName: m.login},
		Login:             tailcfg.Login{ID: tailcfg.LoginID(id), Provider: "testcontrol", LoginName: m.login, DisplayName: m.login},
		MachineAuthorized: true,
	}
}

func answer(w http.ResponseWriter, response tailcfg.RegisterResponse) {
	_ = json.NewEncoder(w).Encode(response)
}
