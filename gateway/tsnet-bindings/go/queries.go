package main

import (
	"net/netip"
	"sync"
	"time"
)

const (
	// queryIdle ends the endpoint of a resolver that asks no more; its queries expire with it.
	queryIdle  = 10 * time.Second
	mostQuery  = 4096
	perAddress = 1024
)

// queries holds what is asked and not answered yet.
var queries = struct {
	sync.Mutex
	last    uint64
	waiting map[uint64]*datagramEnd
	ends    map[netip.Addr]int
}{waiting: map[uint64]*datagramEnd{}, ends: map[netip.Addr]int{}}

// answerQueries announces every datagram a client sends from one port to port 53.
func answerQueries(owner transport, from, to netip.AddrPort, inside *datagramEnd) {
	defer inside.close()
	if !enter(from.Addr()) {
		owner.tally().refused.Add(1)
		return
	}
	defer leave(from.Addr())
	var mine []uint64
	defer func() {
		queries.Lock()
		defer queries.Unlock()
		for _, id := range mine {
			delete(queries.waiting, id)
		}
	}()
	for {
		payload, err := inside.receive(queryIdle)
		if err != nil {
			return
		}
		queries.Lock()
		if len(queries.waiting) >= mostQuery || len(mine) >= mostQuery {
			queries.Unlock()
			owner.tally().refused.Add(1)
			continue
		}
		queries.last++
		id := queries.last
		queries.waiting[id] = inside
		queries.Unlock()
		mine = append(mine, id)
		emit(eventQuery, id, int64(owner.handle()), 0, addressPair(from, to), payload)
	}
}

// enter bounds the ports one client may ask from at the same time.
func enter(client netip.Addr) bool {
	queries.Lock()
	defer queries.Unlock()
	if queries.ends[client] >= perAddress {
		return false
	}
	queries.ends[client]++
	return true
}

func leave(client netip.Addr) {
	queries.Lock()
	defer queries.Unlock()
	if queries.ends[client]--; queries.ends[client] == 0 {
		delete(queries.ends, client)
	}
}

func replyToQuery(id uint64, payload []byte) {
	queries.Lock()
	inside := queries.waiting[id]
	delete(queries.waiting, id)
	queries.Unlock()
	if inside != nil {
		_ = inside.send(payload)
	}
}
