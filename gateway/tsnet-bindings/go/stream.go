package main

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// stream is one end of a byte connection: a gVisor endpoint or a kernel socket.
type stream interface {
	// pump copies what arrives into `to` until end of stream (nil), errHungUp or a failure.
	pump(to stream, count *atomic.Uint64) error
	// peek reads some bytes into buffer; it returns errStopped once interrupted and os.ErrDeadlineExceeded when late.
	peek(buffer []byte, deadline time.Time) (int, error)
	// interrupt ends a running peek.
	interrupt()
	writeAll(bytes []byte) error
	// closeWrite says that nothing more will be sent.
	closeWrite()
	// watch blocks until the other end is gone altogether or the stream is closed here; false when it cannot tell.
	watch() bool
	// close releases it in order: what was written is still delivered.
	close()
	// abort resets it; blocked calls on it return.
	abort()
	// onBroken calls fn once when the other end resets the connection.
	onBroken(fn func())
}

var (
	// errHungUp: the other end closed both directions, so nothing can be sent to it either.
	errHungUp  = errors.New("closed by the other end")
	errStopped = errors.New("stopped")
)

const bufferSize = 128 << 10

// buffers are held only while data moves, so that an idle flow costs none.
var buffers = sync.Pool{New: func() any { b := make([]byte, bufferSize); return &b }}

// transfer is what moved through a joined pair of streams and how it ended.
type transfer struct {
	up, down atomic.Uint64
	mu       sync.Mutex
	side     string
	err      error
}

func (t *transfer) end(side string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.side == "" {
		t.side, t.err = side, err
	}
}

func (t *transfer) outcome() (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.side, t.err
}

// join copies between a client and a server until both directions have ended, then releases both.
func join(client, server stream, head []byte, moved *transfer) {
	client.onBroken(func() { moved.end("peer", errors.New("connection reset by peer")); server.abort() })
	server.onBroken(func() { moved.end("upstream", errors.New("connection reset by upstream")); client.abort() })
	upwards := make(chan struct{})
	spawn(func() {
		defer close(upwards)
		if len(head) > 0 {
			if err := server.writeAll(head); err != nil {
				moved.end("upstream", err)
				client.abort()
				return
			}
			moved.up.Add(uint64(len(head)))
			head = nil
		}
		oneWay(client, server, "peer", &moved.up, moved)
	})
	// on this goroutine: an idle flow keeps two, not three
	oneWay(server, client, "upstream", &moved.down, moved)
	<-upwards
	client.close()
	server.close()
}

// oneWay moves one direction to its end and passes that end on: a finish as a finish, a failure as a reset.
func oneWay(from, to stream, side string, count *atomic.Uint64, moved *transfer) {
	err := from.pump(to, count)
	switch {
	case err == nil:
		moved.end(side, nil)
		to.closeWrite()
		if from.watch() {
			to.close()
		}
	case errors.Is(err, errHungUp):
		moved.end(side, nil)
		to.closeWrite()
		to.close()
	default:
		moved.end(side, err)
		from.abort()
		to.abort()
	}
}
