package main

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unsafe"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"
	"tailscale.com/ipn/ipnlocal"
	"tailscale.com/tsnet"
	"tailscale.com/wgengine/netstack"
)

// What the library keeps to itself and a gateway needs. Each is taken by name and checked by type: with another
// version of the library the node does not start, instead of misbehaving.

// inside yields the value of an unexported field.
func inside[T any](of any, name string) (T, error) {
	var none T
	pointer := reflect.ValueOf(of)
	if pointer.Kind() != reflect.Pointer || pointer.IsNil() || pointer.Elem().Kind() != reflect.Struct {
		return none, fmt.Errorf("%T is not a struct", of)
	}
	field := pointer.Elem().FieldByName(name)
	if !field.IsValid() || field.Type() != reflect.TypeFor[T]() {
		return none, fmt.Errorf("this version of %T has no %s of type %s", of, name, reflect.TypeFor[T]())
	}
	return *(*T)(unsafe.Pointer(field.UnsafeAddr())), nil
}

// backendOf: asking it who somebody is takes a look-up in a table, asking the local API a request.
func backendOf(server *tsnet.Server) (*ipnlocal.LocalBackend, error) {
	backend, err := inside[*ipnlocal.LocalBackend](server, "lb")
	if err == nil && backend == nil {
		err = errors.New("the node has no backend")
	}
	return backend, err
}

// shortenTimeWait: no listening endpoint would take a SYN that reuses a port in TIME_WAIT.
func shortenTimeWait(impl *netstack.Impl) error {
	inner, err := inside[*stack.Stack](impl, "ipstack")
	if err != nil {
		return err
	}
	timeWait := tcpip.TCPTimeWaitTimeoutOption(time.Second)
	if err := inner.SetTransportProtocolOption(tcp.ProtocolNumber, &timeWait); err != nil {
		return errors.New(err.String())
	}
	return nil
}

// resetEndpoints: the library resets them only when nothing takes packets from the stack any more; a few hundred of
// them fill its queue, and the end of the node would wait for room there for ever.
func resetEndpoints(server *tsnet.Server) {
	impl, ok := server.Sys().Netstack.Get().(*netstack.Impl)
	if !ok {
		return
	}
	inner, err := inside[*stack.Stack](impl, "ipstack")
	if err != nil {
		return
	}
	for _, endpoint := range inner.RegisteredEndpoints() {
		endpoint.Abort()
	}
}

// endpointOf takes a connection of the node's stack apart; it is not to be used any more then.
func endpointOf(conn any) (tcpip.Endpoint, *waiter.Queue, error) {
	switch conn.(type) {
	case *gonet.TCPConn, *gonet.UDPConn:
	default:
		return nil, nil, fmt.Errorf("%T is no connection of the node's stack", conn)
	}
	endpoint, err := inside[tcpip.Endpoint](conn, "ep")
	if err != nil {
		return nil, nil, err
	}
	queue, err := inside[*waiter.Queue](conn, "wq")
	return endpoint, queue, err
}

func faultKind(err error) string {
	var fault joinFault
	if errors.As(err, &fault) {
		return fault.kind
	}
	return "setup"
}

func faultText(err error) string {
	var fault joinFault
	if errors.As(err, &fault) {
		return fault.text
	}
	return err.Error()
}

// withoutKey takes an auth key out of what a server said.
func withoutKey(text, key string) string {
	if key == "" {
		return text
	}
	return strings.ReplaceAll(text, key, "[auth key]")
}
