package main

import (
	"fmt"

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
