package main

import (
	"encoding/json"
	"math"
	"net/http"
	"strings"
	"time"

	"tailscale.com/tailcfg"
)

// nodeView is a node as the admin endpoints show it.
type nodeView struct {
	ID               string    `json:"id"`
	Name             string    `json:"name"`
	Hostname         string    `json:"hostname"`
	Addresses        []string  `json:"addresses"`
	Tags             []string  `json:"tags"`
	User             string    `json:"user"`
	Ephemeral        bool      `json:"ephemeral"`
	Online           bool      `json:"online"`
	Expired          bool      `json:"expired"`
	AuthKeyID        string    `json:"authKeyId"`
	AdvertisedRoutes []string  `json:"advertisedRoutes"`
	EnabledRoutes    []string  `json:"enabledRoutes"`
	Created          time.Time `json:"created"`
}

// viewOf shows a node. The lock is held.
func (t *tailnet) viewOf(m *member, node *tailcfg.Node) nodeView {
	addresses := make([]string, 0, len(node.Addresses))
	for _, prefix := range node.Addresses {
		addresses = append(addresses, prefix.Addr().String())
	}
	return nodeView{
		ID:               string(m.stableID),
		Name:             strings.TrimSuffix(node.Name, "."),
		Hostname:         node.Hostinfo.Hostname(),
		Addresses:        addresses,
		Tags:             append([]string{}, node.Tags...),
		User:             m.login,
		Ephemeral:        m.ephemeral,
		Online:           m.stream != nil,
		Expired:          m.expired(),
		AuthKeyID:        m.authKeyID,
		AdvertisedRoutes: texts(node.Hostinfo.RoutableIPs().AsSlice()),
		EnabledRoutes:    texts(enabled(m, node)),
		Created:          m.created,
	}
}

// deviceView is a node as the API shows it. The lock is held.
func (t *tailnet) deviceView(m *member, node *tailcfg.Node) map[string]any {
	view := t.viewOf(m, node)
	lastSeen := m.lastSeen
	if view.Online {
		lastSeen = time.Now()
	}
	device := map[string]any{
		"addresses": view.Addresses, "id": decimal(m.id), "nodeId": view.ID, "user": view.User, "name": view.Name,
		"hostname": view.Hostname, "clientVersion": node.Hostinfo.IPNVersion(), "updateAvailable": false,
		"os": node.Hostinfo.OS(), "created": stamp(m.created), "lastSeen": stamp(lastSeen),
		"keyExpiryDisabled": m.expires.IsZero(), "expires": stamp(m.expires), "authorized": true, "isExternal": false,
		"machineKey": node.Machine.String(), "nodeKey": node.Key.String(), "blocksIncomingConnections": false,
		"connectedToControl": view.Online, "isEphemeral": view.Ephemeral,
		"advertisedRoutes": view.AdvertisedRoutes, "enabledRoutes": view.EnabledRoutes,
	}
	if len(view.Tags) > 0 {
		device["tags"] = view.Tags
	}
	return device
}

// keyView is a key as the API shows it; its secret only once.
func keyView(k *authKey, withSecret bool) map[string]any {
	create := map[string]any{
		"reusable": k.Reusable, "ephemeral": k.Ephemeral, "preauthorized": k.Preauthorized, "tags": append([]string{}, k.Tags...),
	}
	view := map[string]any{
		"id": k.ID, "keyType": "auth", "created": stamp(k.Created), "expires": stamp(k.Expires),
		"expirySeconds": int(math.Round(k.Expires.Sub(k.Created).Seconds())), "description": k.Description,
		"capabilities": map[string]any{"devices": map[string]any{"create": create}},
	}
	if withSecret {
		view["key"] = k.Secret
	}
	if !k.Revoked.IsZero() {
		view["revoked"] = stamp(k.Revoked)
	}
	if !k.valid() {
		view["invalid"] = true
	}
	return view
}

func stamp(at time.Time) string { return at.UTC().Format(time.RFC3339) }

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if body != nil {
		_ = json.NewEncoder(w).Encode(body)
	}
}

func refuse(w http.ResponseWriter, status int, message string) {
	reply(w, status, map[string]string{"message": message})
}
