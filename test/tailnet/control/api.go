package main

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"tailscale.com/util/rands"
)

const tokenSeconds = 3600

// api is the part of the Tailscale API v2 that a gateway uses, with the formats of the real one.
type api struct {
	*tailnet
	mu     sync.Mutex
	tokens map[string]grant
	asked  map[string]int
}

// grant is what a token is good for.
type grant struct {
	client  oauthClient
	expires time.Time
}

func (t *tailnet) api() http.Handler {
	a := &api{tailnet: t, tokens: map[string]grant{}}
	routes := http.NewServeMux()
	routes.HandleFunc("POST /api/v2/oauth/token", a.token)
	for pattern, route := range map[string]struct {
		scope  string
		handle func(http.ResponseWriter, *http.Request, oauthClient)
	}{
		"POST /api/v2/tailnet/-/keys":        {"auth_keys", a.createKey},
		"GET /api/v2/tailnet/-/keys/{id}":    {"auth_keys", a.showKey},
		"DELETE /api/v2/tailnet/-/keys/{id}": {"auth_keys", a.deleteKey},
		"GET /api/v2/tailnet/-/devices":      {"devices:core", a.listDevices},
		"DELETE /api/v2/device/{id}":         {"devices:core", a.deleteDevice},
		"GET /api/v2/device/{id}/routes":     {"devices:routes", a.showRoutes},
		"POST /api/v2/device/{id}/routes":    {"devices:routes", a.setRoutes},
	} {
		routes.HandleFunc(pattern, a.scoped(route.scope, route.handle))
	}
	routes.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusNotFound, "not found") })
	return routes
}

// token gives a client a token, for its id and secret in the body or in the Authorization header.
func (a *api) token(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	id, secret, _ := r.BasicAuth()
	if id == "" {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	at := slices.IndexFunc(a.options.OAuthClients, func(c oauthClient) bool { return c.ID == id && c.Secret == secret })
	if at < 0 || id == "" {
		refuse(w, http.StatusUnauthorized, "API token invalid")
		return
	}
	if kind := r.PostFormValue("grant_type"); kind != "" && kind != "client_credentials" {
		refuse(w, http.StatusBadRequest, "unsupported grant_type")
		return
	}
	client := a.options.OAuthClients[at]
	token := "tskey-api-" + rands.HexString(40)
	a.mu.Lock()
	a.tokens[token] = grant{client, time.Now().Add(tokenSeconds * time.Second)}
	a.mu.Unlock()
	reply(w, http.StatusOK, map[string]any{
		"access_token": token, "token_type": "Bearer", "expires_in": tokenSeconds, "scope": strings.Join(client.Scopes, " "),
	})
}

// scoped lets those in whose token has a scope.
func (a *api) scoped(scope string, handle func(http.ResponseWriter, *http.Request, oauthClient)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		a.mu.Lock()
		grant, known := a.tokens[token]
		a.mu.Unlock()
		if !known || time.Now().After(grant.expires) {
			refuse(w, http.StatusUnauthorized, "API token invalid")
			return
		}
		reads := r.Method == http.MethodGet && slices.Contains(grant.client.Scopes, scope+":read")
		if !reads && !slices.Contains(grant.client.Scopes, scope) && !slices.Contains(grant.client.Scopes, "all") {
			refuse(w, http.StatusForbidden, "calling actor does not have enough permissions to perform this function")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		a.tailnet.mu.Lock()
		defer a.tailnet.mu.Unlock()
		handle(w, r, grant.client)
	}
}
