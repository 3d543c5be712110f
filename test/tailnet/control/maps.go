package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"tailscale.com/tailcfg"
	"tailscale.com/tstest/integration/testcontrol"
)

const keepAliveEvery = 50 * time.Second

// pollMap turns away nodes that are not in the tailnet; testcontrol would answer them 200.
func (t *tailnet) pollMap(w http.ResponseWriter, r *http.Request, control http.Handler) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	var asked tailcfg.MapRequest
	if err == nil {
		err = json.Unmarshal(body, &asked)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	t.mu.Lock()
	known := t.members[asked.NodeKey] != nil
	t.mu.Unlock()
	if !known {
		http.Error(w, "node not found", http.StatusNotFound)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	control.ServeHTTP(w, r)
}

// streamMap takes over testcontrol's map stream: what a node says of itself is kept, and each change is told to it.
func (t *tailnet) streamMap(ctx context.Context, w testcontrol.MapStreamWriter, asked *tailcfg.MapRequest) {
	if !asked.Stream {
		if !asked.ReadOnly {
			t.learn(asked)
		}
		_ = w.SendMapMessage(&tailcfg.MapResponse{KeepAlive: true})
		return
	}
	m, wake := t.connect(asked)
	if m == nil {
		return
	}
	defer t.disconnect(m, wake)
	keepAlive := time.NewTicker(keepAliveEvery)
	defer keepAlive.Stop()
	for {
		response, last := t.mapFor(asked, m)
		if response == nil || w.SendMapMessage(response) != nil || last {
			return
		}
	wait:
		for {
			select {
			case <-ctx.Done():
				return
			case _, ok := <-wake:
				if !ok {
					return // a newer stream of the node took over
				}
				break wait
			case <-keepAlive.C:
				if w.SendMapMessage(&tailcfg.MapResponse{KeepAlive: true}) != nil {
					return
				}
			}
		}
	}
}

// learn keeps what a node says of itself.
func (t *tailnet) learn(asked *tailcfg.MapRequest) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := t.members[asked.NodeKey]
	node := t.control.Node(asked.NodeKey)
	if m == nil || node == nil {
		return
	}
	node.Endpoints, node.DiscoKey, node.Cap = asked.Endpoints, asked.DiscoKey, asked.Version
	if asked.Hostinfo != nil {
		node.Hostinfo = asked.Hostinfo.View()
		if info := asked.Hostinfo.NetInfo; info != nil && info.PreferredDERP != 0 {
			node.HomeDERP = info.PreferredDERP
		}
	}
	t.control.UpdateNode(node)
	t.offer(m, node)
	t.changed()
}

// connect makes a node online; an older stream of it ends.
func (t *tailnet) connect(asked *tailcfg.MapRequest) (*member, chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := t.members[asked.NodeKey]
	if m == nil {
		return nil, nil
	}
	if m.stream != nil {
		close(m.stream)
	}
	if m.removal != nil {
		m.removal.Stop()
		m.removal = nil
	}
	m.stream = make(chan struct{}, 1)
	t.changed()
	return m, m.stream
}

// disconnect makes a node offline, unless a newer stream took over.
func (t *tailnet) disconnect(m *member, wake chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if m.stream != wake {
		return
	}
	m.stream, m.lastSeen = nil, time.Now()
	if t.members[m.key] == m {
		t.awaitConnection(m)
		t.changed()
	}
}

// awaitConnection removes an ephemeral node that stays away. The lock is held.
func (t *tailnet) awaitConnection(m *member) {
	if !m.ephemeral || m.stream != nil {
		return
	}
	if m.removal != nil {
		m.removal.Stop()
	}
	m.removal = time.AfterFunc(t.options.ephemeralAfter(), func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.members[m.key] == m && m.stream == nil {
			t.remove(m)
		}
	})
}
