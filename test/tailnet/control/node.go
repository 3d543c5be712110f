package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"sync"
	"time"

	"tailscale.com/client/local"
	"tailscale.com/ipn"
	"tailscale.com/tsnet"
	"tailscale.com/types/logger"
)

// joinWithin is how long a node tries to join.
const joinWithin = 20 * time.Second

// nodeOptions of a plain upstream node: the first line of standard input. One that advertises routes forwards.
type nodeOptions struct {
	Hostname   string `json:"hostname"`
	AuthKey    string `json:"authKey"`
	ControlURL string `json:"controlUrl"`
	StateDir   string `json:"stateDir"`
	// ForgetState removes the folder at the end, for when nobody is left who would.
	ForgetState bool           `json:"forgetState"`
	Ephemeral   bool           `json:"ephemeral"`
	Advertise   []netip.Prefix `json:"advertise"`
	ExitNode    *netip.Addr    `json:"exitNode"`
	Verbose     bool           `json:"verbose"`
}

// node is one with the connections its commands opened.
type node struct {
	server *tsnet.Server
	client *local.Client

	mu      sync.Mutex
	streams map[int]*stream
	last    int
	write   func(any)
}

// runNode runs a node until standard input closes: a line of JSON for each command and each answer.
func runNode(in io.Reader, out io.Writer) error {
	reader := bufio.NewReaderSize(in, 1<<20)
	line, err := reader.ReadBytes('\n')
	if err != nil {
		return err
	}
	var options nodeOptions
	if err := json.Unmarshal(line, &options); err != nil {
		return err
	}
	if options.ForgetState {
		defer os.RemoveAll(options.StateDir)
	}
	n := newNode(options, out)
	defer n.server.Close()
	ready, err := n.join(options)
	if err != nil {
		n.write(map[string]string{"error": err.Error()})
		return err
	}
	n.write(ready)
	return n.obey(reader)
}

func newNode(options nodeOptions, out io.Writer) *node {
	logf := logger.Discard
	if options.Verbose {
		logf = func(format string, words ...any) { fmt.Fprintf(os.Stderr, format+"\n", words...) }
	}
	n := &node{streams: map[int]*stream{}}
	n.server = &tsnet.Server{
		Dir: options.StateDir, Hostname: options.Hostname, AuthKey: options.AuthKey, ControlURL: options.ControlURL,
		Ephemeral: options.Ephemeral, Logf: logf, UserLogf: logf,
	}
	encoder := json.NewEncoder(out)
	var writing sync.Mutex
	n.write = func(value any) {
		writing.Lock()
		defer writing.Unlock()
		_ = encoder.Encode(value)
	}
	return n
}

// join brings the node up, with what it offers and the exit node it uses.
func (n *node) join(options nodeOptions) (any, error) {
	ctx, cancel := context.WithTimeout(context.Background(), joinWithin)
	defer cancel()
	status, err := n.server.Up(ctx)
	if err != nil {
		return nil, err
	}
	if n.client, err = n.server.LocalClient(); err != nil {
		return nil, err
	}
	if len(options.Advertise) > 0 {
		if err := n.forward(); err != nil {
			return nil, err
		}
		if err := n.advertise(ctx, options.Advertise); err != nil {
			return nil, err
		}
	}
	if options.ExitNode != nil {
		if err := n.useExitNode(ctx, *options.ExitNode); err != nil {
			return nil, err
		}
	}
	return map[string]any{"id": status.Self.ID, "name": status.Self.DNSName, "addresses": status.TailscaleIPs}, nil
}

func (n *node) advertise(ctx context.Context, routes []netip.Prefix) error {
	_, err := n.client.EditPrefs(ctx, &ipn.MaskedPrefs{
		Prefs: ipn.Prefs{AdvertiseRoutes: routes}, AdvertiseRoutesSet: true,
	})
	return err
}

// useExitNode sets the exit node and waits until traffic goes there.
func (n *node) useExitNode(ctx context.Context, exit netip.Addr) error {
	for {
		status, err := n.client.Status(ctx)
		if err != nil {
			return fmt.Errorf("the exit node %v is not offered: %w", exit, err)
		}
		if offers(status, exit) {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	_, err := n.client.EditPrefs(ctx, &ipn.MaskedPrefs{Prefs: ipn.Prefs{ExitNodeIP: exit}, ExitNodeIPSet: true})
	return err
}
