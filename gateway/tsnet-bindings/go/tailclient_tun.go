package main

import (
	"errors"
	"net/netip"
	"os"
	"slices"
	"sync"

	"github.com/tailscale/wireguard-go/tun"
	"tailscale.com/net/tsaddr"
)

const (
	// tailnetMTU is what every node of a tailnet can take, whatever the path.
	tailnetMTU = 1280
	// tunBatch is what a TUN device with offloads reads at once.
	tunBatch = 128
)

// lateTun is the TUN device of a node that is up before its device exists: reads wait for one, writes are lost.
// A device that is gone (its namespace ended) leaves the node as it was before.
type lateTun struct {
	events chan tun.Event
	closed chan struct{}
	// gateway is the only part of the tailnet that packets may go to; set before the first device.
	gateway []netip.Addr

	mu     sync.Mutex
	over   bool
	device tun.Device
	// present is closed while there is a device.
	present chan struct{}
}

func newLateTun() *lateTun {
	return &lateTun{events: make(chan tun.Event, 1), closed: make(chan struct{}), present: make(chan struct{})}
}

// attach owns the descriptor from here on, whatever the outcome. A device that is there already is closed.
func (t *lateTun) attach(fd int, gateway []netip.Addr) error {
	device, _, err := tun.CreateUnmonitoredTUNFromFD(fd)
	if err != nil {
		closeFd(fd)
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		_ = device.Close()
		return errNoTransport
	}
	if t.device == nil {
		close(t.present)
	} else {
		_ = t.device.Close()
	}
	t.gateway = gateway
	t.device = device
	return nil
}

// detach closes a device that failed, once.
func (t *lateTun) detach(failed tun.Device) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.device != failed {
		return
	}
	t.device = nil
	t.present = make(chan struct{})
	_ = failed.Close()
}

func (t *lateTun) current() (tun.Device, chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.device, t.present
}

// Read implements tun.Device: packets of the captured command.
func (t *lateTun) Read(packets [][]byte, sizes []int, offset int) (int, error) {
	for {
		device, present := t.current()
		if device == nil {
			select {
			case <-present:
				continue
			case <-t.closed:
				return 0, os.ErrClosed
			}
		}
		got, err := device.Read(packets, sizes, offset)
		if err == nil || errors.Is(err, tun.ErrTooManySegments) {
			if kept := t.keepAllowed(device, packets[:got], sizes[:got], offset); kept > 0 || err != nil {
				return kept, err
			}
			continue
		}
		// an error would end the node, which is still needed to say that the run is over
		t.detach(device)
	}
}

// Write implements tun.Device: packets from the gateway.
func (t *lateTun) Write(packets [][]byte, offset int) (int, error) {
	if device, _ := t.current(); device != nil {
		// what does not fit or comes too late is lost, as on any network
		_, _ = device.Write(packets, offset)
	}
	return len(packets), nil
}

func (t *lateTun) File() *os.File           { return nil }
func (t *lateTun) MTU() (int, error)        { return tailnetMTU, nil }
func (t *lateTun) Name() (string, error)    { return "clawpatrol", nil }
func (t *lateTun) Events() <-chan tun.Event { return t.events }
func (t *lateTun) BatchSize() int           { return tunBatch }

// Close implements tun.Device.
func (t *lateTun) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return nil
	}
	t.over = true
	close(t.closed)
	close(t.events)
	if t.device != nil {
		_ = t.device.Close()
		t.device = nil
	}
	return nil
}

// keepAllowed refuses what would go around the gateway: other nodes are reached directly, and the node itself answers
// on the service addresses. Both lie in tailscale's own ranges.
func (t *lateTun) keepAllowed(device tun.Device, packets [][]byte, sizes []int, offset int) int {
	kept := 0
	for i := range packets {
		content := packets[i][offset : offset+sizes[i]]
		if !t.allowed(content) {
			if answer := rejection(content); answer != nil {
				_, _ = device.Write([][]byte{answer}, tunRoom)
			}
			continue
		}
		packets[kept], packets[i] = packets[i], packets[kept]
		sizes[kept] = sizes[i]
		kept++
	}
	return kept
}

func (t *lateTun) allowed(packet []byte) bool {
	to, ok := destination(packet)
	if !ok {
		return false
	}
	if !tsaddr.CGNATRange().Contains(to) && !tsaddr.TailscaleULARange().Contains(to) {
		return true
	}
	return slices.Contains(t.gateway, to)
}

func destination(packet []byte) (netip.Addr, bool) {
	switch {
	case len(packet) >= 20 && packet[0]>>4 == 4:
		return netip.AddrFrom4([4]byte(packet[16:20])), true
	case len(packet) >= 40 && packet[0]>>4 == 6:
		return netip.AddrFrom16([16]byte(packet[24:40])), true
	}
	return netip.Addr{}, false
}
