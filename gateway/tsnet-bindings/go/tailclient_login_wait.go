package main

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"time"

	"tailscale.com/ipn"
	"tailscale.com/ipn/ipnstate"
	"tailscale.com/tsnet"
)

const (
	looksAgainAfter = time.Second
	// linkSpentAfter is how long control may say that it does not know the link before a new one is asked for.
	linkSpentAfter = 8 * time.Second
	// approvalShownFor: nodes of keys that are approved beforehand pass through this state too.
	approvalShownFor = 5 * time.Second
	linkSpentMark    = "auth path not found"
)

var errLinkSpent = joinFault{"refused", "the login links were all refused"}

// loginWait is how far a login has come.
type loginWait struct {
	link   *loginLink
	hasKey bool
	state  string
	// lastErr is what control said last.
	lastErr string
	// since when something goes on that must not go on; zero while it does not.
	spentSince, unapprovedSince time.Time
}

// waitForLogin yields what the node is once it runs.
func waitForLogin(ctx context.Context, server *tsnet.Server, link *loginLink, hasKey bool) (string, error) {
	client, err := server.LocalClient()
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// no exit node, nobody's DNS, and nobody gets in
	if err := useExitNode(ctx, client, netip.Addr{}); err != nil {
		return "", err
	}
	changes, refused := watchNode(ctx, client)
	again := time.NewTicker(looksAgainAfter)
	defer again.Stop()
	wait := loginWait{link: link, hasKey: hasKey}
	for {
		select {
		case text := <-refused:
			return "", joinFault{"refused", text}
		case <-ctx.Done():
			return "", wait.late(ctx.Err())
		case <-changes:
		case <-again.C:
		}
		status, err := client.Status(ctx)
		if err != nil {
			continue
		}
		if err := wait.see(status, time.Now()); err != nil {
			return "", err
		}
		if isIn(status) {
			return describeLogin(status), nil
		}
	}
}

func isIn(status *ipnstate.Status) bool {
	return status.BackendState == ipn.Running.String() && status.Self != nil && status.Self.InNetworkMap
}

func (w *loginWait) see(status *ipnstate.Status, now time.Time) error {
	w.state, w.lastErr = status.BackendState, loginError(status.Health)
	isSpent := strings.Contains(w.lastErr, linkSpentMark)
	w.spentSince = since(w.spentSince, isSpent, now)
	w.unapprovedSince = since(w.unapprovedSince, status.BackendState == ipn.NeedsMachineAuth.String(), now)
	switch {
	case w.hasKey && status.AuthURL != "":
		return joinFault{"refused", "the auth key was not accepted"}
	case hasLasted(w.unapprovedSince, approvalShownFor, now):
		return joinFault{"unapproved", "the node has to be approved by an administrator"}
	case hasLasted(w.spentSince, linkSpentAfter, now):
		return errLinkSpent
	case !isSpent && refusedByControl(w.lastErr):
		return joinFault{"refused", w.lastErr}
	case status.AuthURL != "" && !isSpent:
		w.link.show(status.AuthURL)
	}
	return nil
}

func since(before time.Time, goesOn bool, now time.Time) time.Time {
	if !goesOn {
		return time.Time{}
	}
	if before.IsZero() {
		return now
	}
	return before
}

func hasLasted(since time.Time, longest time.Duration, now time.Time) bool {
	return !since.IsZero() && now.Sub(since) >= longest
}

func (w *loginWait) late(err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return joinFault{"cancelled", "stopped"}
	case w.link.isShown() && w.state == ipn.NeedsLogin.String():
		return joinFault{"refused", "nobody logged in in time"}
	case w.lastErr != "":
		return joinFault{"unreachable", w.lastErr}
	case w.state == ipn.Starting.String():
		return joinFault{"unreachable", "no relay server of the tailnet can be reached"}
	}
	return joinFault{"unreachable", "the control server does not answer, state " + w.state}
}

// loginLink is the page a person logs in on; JavaScript asks for the next one until the login is over.
type loginLink struct {
	mu      sync.Mutex
	url     string
	over    bool
	changed chan struct{}
}

func (l *loginLink) show(url string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.url != url {
		l.url = url
		l.wake()
	}
}

func (l *loginLink) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	l.wake()
}

// wake tells whoever waits. The lock is held.
func (l *loginLink) wake() {
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *loginLink) isShown() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.url != ""
}

// next waits for another link than the one seen; empty when the login is over.
func (l *loginLink) next(seen string) string {
	for {
		l.mu.Lock()
		url, over, changed := l.url, l.over, l.changed
		l.mu.Unlock()
		if over {
			return ""
		}
		if url != seen {
			return url
		}
		<-changed
	}
}

// linkTable holds the links of logins that are going on, by the number JavaScript gave them.
type linkTable struct {
	sync.Mutex
	all map[uint64]*loginLink
}

var links = linkTable{all: map[uint64]*loginLink{}}

func (t *linkTable) open(id uint64) *loginLink {
	t.Lock()
	defer t.Unlock()
	link := &loginLink{changed: make(chan struct{})}
	t.all[id] = link
	return link
}

func (t *linkTable) close(id uint64) {
	t.Lock()
	link := t.all[id]
	delete(t.all, id)
	t.Unlock()
	if link != nil {
		link.end()
	}
}

func (t *linkTable) next(id uint64, seen string) string {
	t.Lock()
	link := t.all[id]
	t.Unlock()
	if link == nil {
		return ""
	}
	return link.next(seen)
}
