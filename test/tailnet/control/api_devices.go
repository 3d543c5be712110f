package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"

	"tailscale.com/tailcfg"
)

func (a *api) listDevices(w http.ResponseWriter, _ *http.Request, _ oauthClient) {
	devices := []map[string]any{}
	for _, m := range a.sorted() {
		devices = append(devices, a.deviceView(m, a.control.Node(m.key)))
	}
	reply(w, http.StatusOK, map[string]any{"devices": devices})
}

func (a *api) deleteDevice(w http.ResponseWriter, r *http.Request, _ oauthClient) {
	m, _, err := a.byStableID(r.PathValue("id"))
	if err != nil {
		refuse(w, http.StatusNotFound, "no such device")
		return
	}
	a.remove(m)
	reply(w, http.StatusOK, nil)
}

func (a *api) showRoutes(w http.ResponseWriter, r *http.Request, _ oauthClient) {
	m, node, err := a.byStableID(r.PathValue("id"))
	if err != nil {
		refuse(w, http.StatusNotFound, "no such device")
		return
	}
	replyRoutes(w, m, node)
}

func (a *api) setRoutes(w http.ResponseWriter, r *http.Request, _ oauthClient) {
	m, node, err := a.byStableID(r.PathValue("id"))
	if err != nil {
		refuse(w, http.StatusNotFound, "no such device")
		return
	}
	var asked struct {
		Routes []netip.Prefix `json:"routes"`
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		refuse(w, http.StatusBadRequest, "invalid routes: "+err.Error())
		return
	}
	a.approve(m, node, asked.Routes)
	replyRoutes(w, m, node)
}

// replyRoutes shows routes; approved ones count before they are advertised, too.
func replyRoutes(w http.ResponseWriter, m *member, node *tailcfg.Node) {
	advertised := texts(node.Hostinfo.RoutableIPs().AsSlice())
	reply(w, http.StatusOK, map[string]any{"advertisedRoutes": advertised, "enabledRoutes": texts(m.approved)})
}

func decimal(id tailcfg.NodeID) string { return fmt.Sprint(int64(id)) }
