package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// options of the control server: the first line of standard input, which then stays open as long as it is wanted.
type options struct {
	// Listen is the address all of it listens on, loopback by default.
	Listen string `json:"listen"`
	// Ports: 0 takes a free one.
	ControlPort int `json:"controlPort"`
	APIPort     int `json:"apiPort"`
	AdminPort   int `json:"adminPort"`
	// Domain is what names of nodes end with.
	Domain       string        `json:"domain"`
	OAuthClients []oauthClient `json:"oauthClients"`
	// AutoApprove approves every route a node advertises.
	AutoApprove bool `json:"autoApprove"`
	// Funnel lets nodes use Funnel and HTTPS unless told otherwise one by one.
	Funnel bool `json:"funnel"`
	// EphemeralAfterMs is how long an ephemeral node stays without a connection.
	EphemeralAfterMs int `json:"ephemeralAfterMs"`
	// SocketDir gets admin.sock and api.sock, which are reached from every network namespace.
	SocketDir string `json:"socketDir"`
	Verbose   bool   `json:"verbose"`
}

// oauthClient is who may call the API, and for what.
type oauthClient struct {
	ID     string   `json:"id"`
	Secret string   `json:"secret"`
	Scopes []string `json:"scopes"`
	// Tags it may give keys; all when there are none.
	Tags []string `json:"tags"`
}

func (o options) ephemeralAfter() time.Duration {
	return time.Duration(o.EphemeralAfterMs) * time.Millisecond
}

// readOptions reads one line.
func readOptions(from *bufio.Reader) (options, error) {
	read := options{Listen: "127.0.0.1", Domain: "tail.test", EphemeralAfterMs: 3000}
	line, err := from.ReadBytes('\n')
	if err != nil && err != io.EOF {
		return read, err
	}
	if err := json.Unmarshal(line, &read); err != nil {
		return read, fmt.Errorf("cannot read the options: %w", err)
	}
	return read, nil
}
