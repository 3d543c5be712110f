package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Operations; index.ts has the same list.
const (
	opStartWireguard = 1
	opStartLoopback  = 2
	opStartClient    = 3
	opStop           = 4
	opAddPeer        = 5
	opRemovePeer     = 6
	opTake           = 10
	opRelay          = 11
	opRefuse         = 12
	opAbort          = 13
	opPeek           = 14
	opPeekDone       = 15
	opRelayDatagrams = 20
	opDropDatagrams  = 21
	opAbortDatagrams = 22
	opReply          = 23
	opDial           = 30
	opReceiveFd      = 31
	opCloseFd        = 32
	readStats        = 40
	readPeers        = 41
	readSocketpair   = 42
	readPathMTU      = 43
)

type call struct {
	op      int
	request uint64
	id      uint64
	a, b    int64
	text    string
	data    []byte
}

func (c call) millis(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// perform never blocks: what takes time runs on a goroutine of its own and replies later.
func perform(c call) {
	switch c.op {
	case opStartWireguard:
		c.answer(func() (int64, string, error) { return startWireguard(c.text) })
	case opStartLoopback:
		c.answer(func() (int64, string, error) { return startLoopback(c.text) })
	case opStartClient:
		c.answer(func() (int64, string, error) { return startClient(c.text) })
	case opStop:
		c.answer(func() (int64, string, error) { return 0, "", stopTransport(c.id) })
	case opAddPeer:
		c.answer(func() (int64, string, error) { return 0, "", withWireguard(c.id, c.text, (*wireguardServer).addPeer) })
	case opRemovePeer:
		c.answer(func() (int64, string, error) {
			return 0, "", withWireguard(c.id, c.text, (*wireguardServer).removePeer)
		})
	case opTake, opRelay, opRefuse, opAbort, opPeek, opPeekDone:
		performFlow(c)
	case opRelayDatagrams, opDropDatagrams, opAbortDatagrams, opReply:
		performDatagrams(c)
	case opStartTailnet, opAdvertise, opWhois, opListen, opUnlisten, opTailnetStatus, opEndNode, opLogout, opEndpoints:
		performTailnet(c)
	case opStartTailnetClient, opAttachTun, opTailnetDial, opLogoutClient, opCancelTailnetClient:
		performTailnetClient(c)
	case opStartLogin, opLoginURL, opListPeers, opDialPeer, opLogoutLogin:
		performLogin(c)
	case opDial:
		c.answer(func() (int64, string, error) {
			fd, err := dialSocket(c.text, c.millis(c.a))
			return int64(fd), "", err
		})
	case opReceiveFd:
		c.answer(func() (int64, string, error) {
			fd, err := receiveFd(int(c.a), c.millis(c.b))
			return int64(fd), "", err
		})
	case opCloseFd:
		closeFd(int(c.a))
	}
}

func (c call) answer(work func() (int64, string, error)) {
	spawn(func() {
		value, text, err := int64(0), "", errors.New("the native part failed, see its fault")
		// also after a panic: whoever asked waits
		defer func() {
			if err != nil {
				fail(c.request, err)
				return
			}
			succeed(c.request, value, text)
		}()
		value, text, err = work()
	})
}

func read(op int, id uint64, text string) string {
	switch op {
	case readPathMTU:
		return strconv.Itoa(pathMTU(text))
	case readStats:
		return transportStats(id)
	case readPeers:
		server, ok := transports.find(id).(*wireguardServer)
		if !ok {
			return "[]"
		}
		return asJSON(server.peers())
	case readSocketpair:
		return socketpair()
	}
	return ""
}

func asJSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return "null"
	}
	return string(text)
}

func parseSettings(text string, into any) error {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

// parseAddress reads "host port", host being an IP literal.
func parseAddress(text string) (netip.AddrPort, error) {
	host, port, found := strings.Cut(text, " ")
	if !found {
		return netip.AddrPort{}, errors.New("an address is a host and a port")
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q is not an IP address", host)
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q is not a port", port)
	}
	return netip.AddrPortFrom(ip, uint16(number)), nil
}

// origin is where something came from.
type origin struct {
	address netip.AddrPort
	// node is the stable id of the tailnet node; empty where the address alone says who it is.
	node string
}

func addressPair(from origin, to netip.AddrPort) string {
	source := from.address
	text := fmt.Sprintf("%s %d %s %d", source.Addr().Unmap(), source.Port(), to.Addr().Unmap(), to.Port())
	if from.node == "" {
		return text
	}
	return text + " " + from.node
}
