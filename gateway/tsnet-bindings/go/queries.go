package main

import (
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	// queryIdle ends the endpoint of a resolver that asks no more; queries nobody answered expire with it.
	queryIdle = 10 * time.Second
	// answeredIdle is the same once everything is answered: most resolvers take a new port for each question.
	answeredIdle = time.Second
	mostQuery    = 16384
	perAddress   = 4096
	perPort      = 64
)

// queries holds what is asked and not answered yet.
var queries = struct {
	sync.Mutex
	last    uint64
	waiting map[uint64]*datagramEnd
	ends    map[netip.Addr]int
}{waiting: map[uint64]*datagramEnd{}, ends: map[netip.Addr]int{}}

// answerQueries announces every datagram a client sends from one port to port 53.
func answerQueries(owner transport, source origin, to netip.AddrPort, inside *datagramEnd) {
	from := source.address
	defer inside.close()
	if !enter(from.Addr()) {
		owner.tally().refused.Add(1)
		return
	}
	defer leave(from.Addr())
	var mine []uint64
	defer func() { forgetQueries(mine) }()
	started := time.Now()
	for {
		payload, err := inside.receive(answeredIdle)
		if errors.Is(err, errIdle) {
			if mine = stillWaiting(mine); len(mine) > 0 && time.Since(started) < queryIdle {
				continue
			}
		}
		if err != nil {
			return
		}
		mine = stillWaiting(mine)
		id, taken := keepQuery(inside, len(mine))
		if !taken {
			owner.tally().refused.Add(1)
			continue
		}
		mine = append(mine, id)
		started = time.Now()
		emit(eventQuery, id, int64(owner.handle()), 0, addressPair(source, to), payload)
	}
}

// keepQuery turns a query away when too many wait: of all, or from the port that has `own` of them.
func keepQuery(inside *datagramEnd, own int) (uint64, bool) {
	queries.Lock()
	defer queries.Unlock()
	if len(queries.waiting) >= mostQuery || own >= perPort {
		return 0, false
	}
	queries.last++
	queries.waiting[queries.last] = inside
	return queries.last, true
}

func stillWaiting(ids []uint64) []uint64 {
	queries.Lock()
	defer queries.Unlock()
	return slices.DeleteFunc(ids, func(id uint64) bool { return queries.waiting[id] == nil })
}

func forgetQueries(ids []uint64) {
	queries.Lock()
	defer queries.Unlock()
	for _, id := range ids {
		delete(queries.waiting, id)
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
