package main

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

var errIdle = errors.New("idle")

func (e *datagramEnd) pumpTo(outside *net.UDPConn, count *atomic.Uint64, moved *atomic.Int64, idle time.Duration) {
	for {
		payload, err := e.receive(idle)
		if errors.Is(err, errIdle) && recently(moved, idle) {
			continue
		}
		if err != nil {
			return
		}
		moved.Store(time.Now().UnixNano())
		if _, err := outside.Write(payload); err == nil {
			count.Add(uint64(len(payload)))
		}
	}
}

func (e *datagramEnd) pumpFrom(outside *net.UDPConn, count *atomic.Uint64, moved *atomic.Int64, idle time.Duration) {
	buffer := make([]byte, largestDatagram)
	for {
		if outside.SetReadDeadline(time.Now().Add(idle)) != nil {
			return
		}
		got, err := outside.Read(buffer)
		if errors.Is(err, os.ErrDeadlineExceeded) && recently(moved, idle) {
			continue
		}
		if err != nil {
			return
		}
		moved.Store(time.Now().UnixNano())
		if e.send(buffer[:got]) == nil {
			count.Add(uint64(got))
		}
	}
}

func recently(moved *atomic.Int64, within time.Duration) bool {
	return time.Now().UnixNano()-moved.Load() < int64(within)
}

// dropList remembers refused 5-tuples for a while: their next datagram gets "port unreachable" at once,
// which makes QUIC clients fall back to TCP without waiting.
type dropList struct {
	sync.Mutex
	until map[[2]netip.AddrPort]time.Time
}

const (
	dropFor  = 30 * time.Second
	mostDrop = 4096
)

var dropped = dropList{until: map[[2]netip.AddrPort]time.Time{}}

func (l *dropList) add(from, to netip.AddrPort) {
	l.Lock()
	defer l.Unlock()
	if len(l.until) >= mostDrop {
		clear(l.until)
	}
	l.until[[2]netip.AddrPort{from, to}] = time.Now().Add(dropFor)
}

func (l *dropList) has(from, to netip.AddrPort) bool {
	l.Lock()
	defer l.Unlock()
	key := [2]netip.AddrPort{from, to}
	until, found := l.until[key]
	if found && time.Now().After(until) {
		delete(l.until, key)
		return false
	}
	return found
}
