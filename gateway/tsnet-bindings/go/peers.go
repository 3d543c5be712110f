package main

import (
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
)

// peerState is one peer as index.ts shows it.
type peerState struct {
	PublicKey       string `json:"publicKey"`
	Endpoint        string `json:"endpoint"`
	LastHandshakeMs int64  `json:"lastHandshakeMs"`
	RxBytes         int64  `json:"rxBytes"`
	TxBytes         int64  `json:"txBytes"`
}

// peers reads the state WireGuard keeps, in its own key=value format.
func (s *wireguardServer) peers() []peerState {
	all := []peerState{}
	state, err := s.device.IpcGet()
	if err != nil {
		return all
	}
	for line := range strings.Lines(state) {
		name, value, found := strings.Cut(strings.TrimSpace(line), "=")
		if !found {
			continue
		}
		if name == "public_key" {
			key, _ := hex.DecodeString(value)
			all = append(all, peerState{PublicKey: base64.StdEncoding.EncodeToString(key)})
			continue
		}
		if len(all) > 0 {
			all[len(all)-1].set(name, value)
		}
	}
	return all
}

func (p *peerState) set(name, value string) {
	if name == "endpoint" {
		p.Endpoint = value
		return
	}
	number, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return
	}
	switch name {
	case "last_handshake_time_sec":
		p.LastHandshakeMs += number * 1000
	case "last_handshake_time_nsec":
		p.LastHandshakeMs += number / 1_000_000
	case "rx_bytes":
		p.RxBytes = number
	case "tx_bytes":
		p.TxBytes = number
	}
}
