package main

import (
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// transport is a source of flows, or a tunnel client, known to JavaScript by its handle.
type transport interface {
	handle() uint64
	tally() *tally
	stop() error
}

// tally counts what went through a transport.
type tally struct {
	accepted, refused, up, down atomic.Uint64
}

var errNoTransport = errors.New("the transport is not running")

type transportTable struct {
	sync.Mutex
	last uint64
	all  map[uint64]transport
}

var transports = transportTable{all: map[uint64]transport{}}

// reserve yields a handle for a transport that is about to start.
func (t *transportTable) reserve() uint64 {
	t.Lock()
	defer t.Unlock()
	t.last++
	return t.last
}

func (t *transportTable) add(one transport) {
	t.Lock()
	defer t.Unlock()
	t.all[one.handle()] = one
}

func (t *transportTable) find(handle uint64) transport {
	t.Lock()
	defer t.Unlock()
	return t.all[handle]
}

func stopTransport(handle uint64) error {
	transports.Lock()
	one := transports.all[handle]
	delete(transports.all, handle)
	transports.Unlock()
	if one == nil {
		return nil
	}
	abortFlows(func(f *flow) bool { return f.owner == one })
	abortDatagrams(func(d *datagramFlow) bool { return d.owner == one })
	return one.stop()
}

func transportStats(handle uint64) string {
	one := transports.find(handle)
	if one == nil {
		return "null"
	}
	tally := one.tally()
	return asJSON(map[string]uint64{
		"flows":     uint64(flows.count(one)),
		"accepted":  tally.accepted.Load(),
		"refused":   tally.refused.Load(),
		"bytesUp":   tally.up.Load(),
		"bytesDown": tally.down.Load(),
	})
}

// flowTable holds every flow that is announced or running.
type flowTable struct {
	sync.Mutex
	last  uint64
	most  int
	all   map[uint64]*flow
	owned map[transport]int
	// source counts flows by the address they come from: one may take half of the places, not all.
	source map[netip.Addr]int
}

var flows = flowTable{all: map[uint64]*flow{}, owned: map[transport]int{}, source: map[netip.Addr]int{}, most: 4096}

// raiseFileLimit lifts the soft limit of open files to the hard one and sizes the flow table by it.
func raiseFileLimit() {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return
	}
	limit.Cur = limit.Max
	_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
	_ = unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)
	// two descriptors for the pair, one for the upstream, one to spare
	most := (limit.Cur - min(limit.Cur/4, 1024)) / 4
	flows.most = int(min(most, 65536))
}

func (t *flowTable) add(f *flow) bool {
	t.Lock()
	defer t.Unlock()
	from := f.from.Addr()
	if len(t.all) >= t.most || t.source[from] >= t.most/2 {
		return false
	}
	t.source[from]++
	t.last++
	f.id = t.last
	t.all[f.id] = f
	t.owned[f.owner]++
	return true
}

func (t *flowTable) remove(id uint64) {
	t.Lock()
	defer t.Unlock()
	f := t.all[id]
	if f == nil {
		return
	}
	delete(t.all, id)
	if t.owned[f.owner]--; t.owned[f.owner] == 0 {
		delete(t.owned, f.owner)
	}
	from := f.from.Addr()
	if t.source[from]--; t.source[from] == 0 {
		delete(t.source, from)
	}
}

func (t *flowTable) find(id uint64) *flow {
	t.Lock()
	defer t.Unlock()
	return t.all[id]
}

func (t *flowTable) count(owner transport) int {
	t.Lock()
	defer t.Unlock()
	return t.owned[owner]
}

func abortFlows(which func(f *flow) bool) {
	flows.Lock()
	var chosen []*flow
	for _, f := range flows.all {
		if which(f) {
			chosen = append(chosen, f)
		}
	}
	flows.Unlock()
	for _, f := range chosen {
		f.abort()
	}
}

// fromAny tells whether an address lies in one of the prefixes.
func fromAny(prefixes []netip.Prefix, address netip.Addr) bool {
	for _, prefix := range prefixes {
		if prefix.Contains(address.Unmap()) {
			return true
		}
	}
	return false
}
