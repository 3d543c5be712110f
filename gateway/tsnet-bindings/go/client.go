package main

import (
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"

	"golang.zx2c4.com/wireguard/conn"
	wg "golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/tun"
)

// tunnelClient moves packets between a TUN device and one WireGuard server; there is no network stack in between.
type tunnelClient struct {
	id     uint64
	counts tally
	device *wg.Device
}

type clientSettings struct {
	PrivateKey      string `json:"privateKey"`
	ServerPublicKey string `json:"serverPublicKey"`
	Endpoint        string `json:"endpoint"`
	TunFd           int    `json:"tunFd"`
	KeepaliveS      int    `json:"keepaliveS"`
}

func (c *tunnelClient) handle() uint64 { return c.id }
func (c *tunnelClient) tally() *tally  { return &c.counts }

func (c *tunnelClient) stop() error {
	c.device.Close()
	return nil
}

// startClient owns the TUN descriptor from here on, whatever the outcome.
func startClient(text string) (int64, string, error) {
	var settings clientSettings
	if err := parseSettings(text, &settings); err != nil {
		return 0, "", err
	}
	private, err := hexKey(settings.PrivateKey)
	if err != nil {
		closeFd(settings.TunFd)
		return 0, "", err
	}
	server, err := hexKey(settings.ServerPublicKey)
	if err != nil {
		closeFd(settings.TunFd)
		return 0, "", err
	}
	opened, _, err := tun.CreateUnmonitoredTUNFromFD(settings.TunFd)
	if err != nil {
		closeFd(settings.TunFd)
		return 0, "", fmt.Errorf("the TUN device: %w", err)
	}
	c := &tunnelClient{id: transports.reserve()}
	c.device = wg.NewDevice(opened, conn.NewDefaultBind(), quietLogger())
	config := fmt.Sprintf("private_key=%s\npublic_key=%s\nendpoint=%s\npersistent_keepalive_interval=%d\nallowed_ip=0.0.0.0/0\nallowed_ip=::/0\n",
		private, server, settings.Endpoint, settings.KeepaliveS)
	if err := c.device.IpcSet(config); err != nil {
		c.device.Close()
		return 0, "", wireguardFault(err)
	}
	if err := c.device.Up(); err != nil {
		c.device.Close()
		return 0, "", wireguardFault(err)
	}
	transports.add(c)
	return int64(c.id), "", nil
}

// pathMTU asks the kernel how large a packet to an address may be; 0 when it cannot tell.
func pathMTU(target string) int {
	address, err := netip.ParseAddrPort(target)
	if err != nil {
		return 0
	}
	socket, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(address))
	if err != nil {
		return 0
	}
	defer socket.Close()
	raw, err := socket.SyscallConn()
	if err != nil {
		return 0
	}
	level, option := unix.IPPROTO_IP, unix.IP_MTU
	if address.Addr().Unmap().Is6() {
		level, option = unix.IPPROTO_IPV6, unix.IPV6_MTU
	}
	found := 0
	_ = raw.Control(func(fd uintptr) { found, _ = unix.GetsockoptInt(int(fd), level, option) })
	return found
}
