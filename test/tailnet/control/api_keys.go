package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"time"
)

const (
	defaultExpiry = 90 * 24 * time.Hour
	longestText   = 50
)

var description = regexp.MustCompile(`^[A-Za-z0-9 -]*$`)

// createKey makes a key. All handlers of the API run with the lock held.
func (a *api) createKey(w http.ResponseWriter, r *http.Request, client oauthClient) {
	var asked struct {
		Capabilities struct {
			Devices struct {
				Create struct {
					Reusable      bool     `json:"reusable"`
					Ephemeral     bool     `json:"ephemeral"`
					Preauthorized bool     `json:"preauthorized"`
					Tags          []string `json:"tags"`
				} `json:"create"`
			} `json:"devices"`
		} `json:"capabilities"`
		ExpirySeconds *int64 `json:"expirySeconds"`
		Description   string `json:"description"`
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		refuse(w, http.StatusBadRequest, "invalid request body: "+err.Error())
		return
	}
	create := asked.Capabilities.Devices.Create
	if len(create.Tags) == 0 {
		refuse(w, http.StatusBadRequest, "tailnet-owned auth key must have tags set")
		return
	}
	if len(client.Tags) > 0 && slices.ContainsFunc(create.Tags, func(tag string) bool { return !slices.Contains(client.Tags, tag) }) {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("requested tags %v are invalid or not permitted", create.Tags))
		return
	}
	if len(asked.Description) > longestText || !description.MatchString(asked.Description) {
		refuse(w, http.StatusBadRequest, "description must be at most 50 alphanumeric characters, spaces and hyphens")
		return
	}
	expiry := defaultExpiry
	if asked.ExpirySeconds != nil && *asked.ExpirySeconds != 0 {
		expiry = time.Duration(*asked.ExpirySeconds) * time.Second
	}
	if expiry <= 0 || expiry > defaultExpiry {
		refuse(w, http.StatusBadRequest, "expirySeconds must be between 1 second and 90 days")
		return
	}
	k := a.add(authKey{
		Reusable: create.Reusable, Ephemeral: create.Ephemeral, Preauthorized: create.Preauthorized, Tags: create.Tags,
		Description: asked.Description, Expires: time.Now().Add(expiry),
	})
	reply(w, http.StatusOK, keyView(k, true))
}

func (a *api) showKey(w http.ResponseWriter, r *http.Request, _ oauthClient) {
	k := a.keys[r.PathValue("id")]
	if k == nil {
		refuse(w, http.StatusNotFound, "key not found")
		return
	}
	reply(w, http.StatusOK, keyView(k, false))
}

// deleteKey revokes a key; nodes that joined with it stay.
func (a *api) deleteKey(w http.ResponseWriter, r *http.Request, _ oauthClient) {
	k := a.keys[r.PathValue("id")]
	if k == nil || !k.Revoked.IsZero() {
		refuse(w, http.StatusNotFound, "key not found")
		return
	}
	k.Revoked = time.Now()
	reply(w, http.StatusOK, nil)
}
