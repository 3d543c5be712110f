package main

import (
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// card is the face of a link towards the network stack; tun.Device and LinkEndpoint both have MTU and Close.
type card struct{ *link }

var (
	_ stack.LinkEndpoint = card{}
	_ stack.GSOEndpoint  = card{}
)

func (c card) MTU() uint32                                  { return c.mtu }
func (c card) SetMTU(uint32)                                {}
func (c card) MaxHeaderLength() uint16                      { return 0 }
func (c card) LinkAddress() tcpip.LinkAddress               { return "" }
func (c card) SetLinkAddress(tcpip.LinkAddress)             {}
func (c card) Capabilities() stack.LinkEndpointCapabilities { return stack.CapabilityRXChecksumOffload }
func (c card) Wait()                                        {}
func (c card) ARPHardwareType() header.ARPHardwareType      { return header.ARPHardwareNone }
func (c card) AddHeader(*stack.PacketBuffer)                {}
func (c card) ParseHeader(*stack.PacketBuffer) bool         { return true }
func (c card) Close()                                       { c.end() }
func (c card) SetOnCloseAction(func())                      {}
func (c card) GSOMaxSize() uint32                           { return largestSegment }
func (c card) SupportedGSO() stack.SupportedGSO             { return stack.HostGSOSupported }

func (c card) Attach(dispatcher stack.NetworkDispatcher) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dispatcher = dispatcher
}

func (c card) IsAttached() bool { return c.target() != nil }

// device is the face of a link towards WireGuard.
type device struct{ *link }

func (d device) Close() error {
	d.end()
	return nil
}
