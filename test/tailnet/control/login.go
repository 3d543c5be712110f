package main

import (
	"encoding/json"
	"net/http"

	"tailscale.com/tailcfg"
	"tailscale.com/util/rands"
)

// askedLogin is a login that a person is to complete in a browser.
type askedLogin struct {
	ephemeral bool
	// over is closed when it is decided.
	over chan struct{}
	user string
	// unapproved: an administrator has to let the node in as well.
	unapproved bool
	// spent: its page is not known any more.
	spent bool
}

// askPerson makes a page to log in on. The lock is held.
func (t *tailnet) askPerson(asked tailcfg.RegisterRequest) string {
	url := t.control.ExplicitBaseURL + "/auth/" + rands.HexString(20)
	t.asked[url] = &askedLogin{ephemeral: asked.Ephemeral, over: make(chan struct{})}
	return url
}

// followUp lets a node in once a person has logged in.
func (t *tailnet) followUp(w http.ResponseWriter, r *http.Request, asked tailcfg.RegisterRequest, control http.Handler) {
	t.mu.Lock()
	login := t.asked[asked.Followup]
	t.mu.Unlock()
	if login == nil {
		http.Error(w, "auth path not found", http.StatusGone)
		return
	}
	// as in the real thing, a browser does not bring up an ephemeral node
	over := login.over
	if login.ephemeral {
		over = nil
	}
	select {
	case <-r.Context().Done():
		return
	case <-over:
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if login.spent {
		http.Error(w, "auth path not found", http.StatusGone)
		return
	}
	delete(t.asked, asked.Followup)
	// testcontrol has pages of its own
	asked.Followup = ""
	m, err := t.admit(r, asked, control)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	m.login, m.ephemeral, m.authKeyID = login.user, false, ""
	t.settle(m, asked.Hostinfo.Hostname, nil)
	if login.unapproved {
		node := t.control.Node(m.key)
		node.MachineAuthorized = false
		t.control.UpdateNode(node)
	}
	answer(w, t.welcome(m))
}

// adminLogin does what a person does on the page, or makes control forget the page.
func (t *tailnet) adminLogin(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		URL        string `json:"url"`
		User       string `json:"user"`
		Unapproved bool   `json:"unapproved"`
		Spent      bool   `json:"spent"`
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	login := t.asked[asked.URL]
	if login == nil || login.user != "" || login.spent {
		refuse(w, http.StatusNotFound, "no such login goes on")
		return
	}
	login.user, login.unapproved, login.spent = asked.User, asked.Unapproved, asked.Spent
	close(login.over)
	reply(w, http.StatusOK, map[string]any{})
}
