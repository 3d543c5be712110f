package main

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"time"

	"tailscale.com/tailcfg"
)

// change is what the admin endpoint changes of a node; what is not given stays.
type change struct {
	ApprovedRoutes *[]netip.Prefix `json:"approvedRoutes"`
	Tags           *[]string       `json:"tags"`
	User           *string         `json:"user"`
	Expired        *bool           `json:"expired"`
	Funnel         *bool           `json:"funnel"`
	Filter         json.RawMessage `json:"filter"`
}

// admin is how a test looks at the tailnet and changes it:
//
//	GET /nodes · PATCH /nodes/{id} · DELETE /nodes/{id} · POST /keys · PATCH /keys/{id} · POST /logins ·
//	PATCH /tailnet
func (t *tailnet) admin() http.Handler {
	routes := http.NewServeMux()
	for pattern, handle := range map[string]http.HandlerFunc{
		"GET /nodes":         t.adminNodes,
		"PATCH /nodes/{id}":  t.adminChange,
		"DELETE /nodes/{id}": t.adminRemove,
		"POST /keys":         t.adminMint,
		"PATCH /keys/{id}":   t.adminKey,
		"POST /logins":       t.adminLogin,
		"PATCH /tailnet":     t.adminTailnet,
	} {
		routes.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			t.mu.Lock()
			defer t.mu.Unlock()
			handle(w, r)
		})
	}
	return routes
}

func (t *tailnet) adminNodes(w http.ResponseWriter, _ *http.Request) {
	nodes := []nodeView{}
	for _, m := range t.sorted() {
		nodes = append(nodes, t.viewOf(m, t.control.Node(m.key)))
	}
	reply(w, http.StatusOK, nodes)
}

func (t *tailnet) adminChange(w http.ResponseWriter, r *http.Request) {
	m, node, err := t.byStableID(r.PathValue("id"))
	if err != nil {
		refuse(w, http.StatusNotFound, err.Error())
		return
	}
	var asked change
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	if asked.Filter != nil {
		rules, ok := readFilter(asked.Filter)
		if !ok {
			refuse(w, http.StatusBadRequest, "the filter is neither all, nothing, tcp, internet nor a list of rules")
			return
		}
		m.rules = rules
	}
	t.apply(m, node, asked)
	if asked.ApprovedRoutes != nil {
		t.approve(m, node, *asked.ApprovedRoutes)
	}
	t.changed()
	reply(w, http.StatusOK, t.viewOf(m, node))
}

// apply changes what a node is. The lock is held.
func (t *tailnet) apply(m *member, node *tailcfg.Node, asked change) {
	if asked.Tags != nil {
		node.Tags = *asked.Tags
		if len(node.Tags) > 0 {
			m.login = taggedDevices
		}
		t.control.UpdateNode(node)
	}
	if asked.User != nil {
		m.login = *asked.User
	}
	if asked.Funnel != nil {
		m.funnel = asked.Funnel
	}
	if asked.Expired != nil {
		m.expires = time.Time{}
		if *asked.Expired {
			m.expires = time.Unix(1, 0)
		}
	}
}

func (t *tailnet) adminRemove(w http.ResponseWriter, r *http.Request) {
	m, _, err := t.byStableID(r.PathValue("id"))
	if err != nil {
		refuse(w, http.StatusNotFound, err.Error())
		return
	}
	t.remove(m)
	reply(w, http.StatusOK, map[string]any{})
}

// adminMint makes a key as a person does in the console: also one without tags, whose nodes are that person's.
func (t *tailnet) adminMint(w http.ResponseWriter, r *http.Request) {
	asked := struct {
		Reusable      bool     `json:"reusable"`
		Ephemeral     bool     `json:"ephemeral"`
		Tags          []string `json:"tags"`
		User          string   `json:"user"`
		ExpirySeconds float64  `json:"expirySeconds"`
	}{ExpirySeconds: 3600, User: "owner@example.com"}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	lifetime := time.Duration(asked.ExpirySeconds * float64(time.Second))
	k := t.add(authKey{
		Reusable: asked.Reusable, Ephemeral: asked.Ephemeral, Preauthorized: true, Tags: asked.Tags, Login: asked.User,
		Expires: time.Now().Add(lifetime),
	})
	reply(w, http.StatusOK, map[string]string{"id": k.ID, "key": k.Secret})
}

// adminKey revokes or expires a key right away.
func (t *tailnet) adminKey(w http.ResponseWriter, r *http.Request) {
	k := t.keys[r.PathValue("id")]
	var asked struct{ Revoked, Expired bool }
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || k == nil {
		refuse(w, http.StatusNotFound, "no such key")
		return
	}
	if asked.Revoked {
		k.Revoked = time.Now()
	}
	if asked.Expired {
		k.Expires = time.Now().Add(-time.Second)
	}
	reply(w, http.StatusOK, keyView(k, false))
}

// adminTailnet changes what holds for all nodes.
func (t *tailnet) adminTailnet(w http.ResponseWriter, r *http.Request) {
	var asked struct{ AutoApprove, Funnel *bool }
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	if asked.AutoApprove != nil {
		t.autoApprove = *asked.AutoApprove
	}
	if asked.Funnel != nil {
		t.funnel = *asked.Funnel
	}
	t.changed()
	reply(w, http.StatusOK, map[string]bool{"autoApprove": t.autoApprove, "funnel": t.funnel})
}
