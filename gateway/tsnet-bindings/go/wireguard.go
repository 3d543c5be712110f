package main

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync"

	"golang.zx2c4.com/wireguard/conn"
	wg "golang.zx2c4.com/wireguard/device"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// wireguardServer ends tunnels of many peers in one network stack.
type wireguardServer struct {
	id     uint64
	counts tally
	device *wg.Device
	stack  *stack.Stack

	mu      sync.Mutex
	allowed map[string][]netip.Prefix
}

type wireguardSettings struct {
	PrivateKey string `json:"privateKey"`
	ListenPort uint16 `json:"listenPort"`
	MTU        uint32 `json:"mtu"`
}

type peerSettings struct {
	PublicKey  string   `json:"publicKey"`
	AllowedIPs []string `json:"allowedIps"`
}

func (s *wireguardServer) handle() uint64 { return s.id }
func (s *wireguardServer) tally() *tally  { return &s.counts }

func startWireguard(text string) (int64, string, error) {
	var settings wireguardSettings
	if err := parseSettings(text, &settings); err != nil {
		return 0, "", err
	}
	key, err := hexKey(settings.PrivateKey)
	if err != nil {
		return 0, "", err
	}
	s := &wireguardServer{id: transports.reserve(), allowed: map[string][]netip.Prefix{}}
	link := newLink(settings.MTU)
	if s.stack, err = newStack(link, s); err != nil {
		return 0, "", err
	}
	s.device = wg.NewDevice(device{link}, conn.NewDefaultBind(), quietLogger())
	if err := s.device.IpcSet(fmt.Sprintf("private_key=%s\nlisten_port=%d\n", key, settings.ListenPort)); err != nil {
		return 0, "", errors.Join(wireguardFault(err), s.stop())
	}
	if err := s.device.Up(); err != nil {
		return 0, "", errors.Join(wireguardFault(err), s.stop())
	}
	transports.add(s)
	port, err := s.port()
	return int64(s.id), asJSON(map[string]int{"port": port}), err
}

func quietLogger() *wg.Logger {
	return &wg.Logger{Verbosef: wg.DiscardLogf, Errorf: func(format string, values ...any) {
		emit(eventFault, 0, 0, 0, "wireguard: "+fmt.Sprintf(format, values...), nil)
	}}
}

// wireguardFault keeps the innermost cause, such as "address already in use".
func wireguardFault(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

func (s *wireguardServer) port() (int, error) {
	state, err := s.device.IpcGet()
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(state) {
		if value, found := strings.CutPrefix(strings.TrimSpace(line), "listen_port="); found {
			return strconv.Atoi(value)
		}
	}
	return 0, errors.New("WireGuard has no port")
}

func (s *wireguardServer) stop() error {
	s.device.Close()
	s.stack.Destroy()
	return nil
}

func withWireguard(id uint64, text string, change func(*wireguardServer, peerSettings) error) error {
	server, ok := transports.find(id).(*wireguardServer)
	if !ok {
		return errNoTransport
	}
	var settings peerSettings
	if err := parseSettings(text, &settings); err != nil {
		return err
	}
	return change(server, settings)
}

func (s *wireguardServer) addPeer(peer peerSettings) error {
	key, err := hexKey(peer.PublicKey)
	if err != nil {
		return err
	}
	prefixes := make([]netip.Prefix, 0, len(peer.AllowedIPs))
	lines := []string{"public_key=" + key, "replace_allowed_ips=true"}
	for _, text := range peer.AllowedIPs {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return err
		}
		prefixes = append(prefixes, prefix)
		lines = append(lines, "allowed_ip="+prefix.String())
	}
	if err := s.device.IpcSet(strings.Join(lines, "\n") + "\n"); err != nil {
		return wireguardFault(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.allowed[key] = prefixes
	return nil
}

// removePeer forgets the peer and resets everything that came from it.
func (s *wireguardServer) removePeer(peer peerSettings) error {
	key, err := hexKey(peer.PublicKey)
	if err != nil {
		return err
	}
	s.mu.Lock()
	prefixes := s.allowed[key]
	delete(s.allowed, key)
	s.mu.Unlock()
	abortFlows(func(f *flow) bool { return f.owner == transport(s) && fromAny(prefixes, f.from.Addr()) })
	abortDatagrams(func(d *datagramFlow) bool { return d.owner == transport(s) && fromAny(prefixes, d.from.Addr()) })
	return s.device.IpcSet("public_key=" + key + "\nremove=true\n")
}

func hexKey(text string) (string, error) {
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) != 32 {
		return "", errors.New("a WireGuard key is 32 bytes in base64")
	}
	return hex.EncodeToString(key), nil
}
