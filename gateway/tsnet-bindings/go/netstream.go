package main

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"
)

// netStream is a TCP connection that ends in our user-space network stack.
type netStream struct {
	endpoint tcpip.Endpoint
	queue    *waiter.Queue
	stopPeek chan struct{}
	over     chan struct{}
	once     sync.Once
	broken   waiter.Entry
	watching bool
}

func newNetStream(endpoint tcpip.Endpoint, queue *waiter.Queue) *netStream {
	options := endpoint.SocketOptions()
	options.SetDelayOption(false)
	options.SetKeepAlive(true)
	idle, interval := tcpip.KeepaliveIdleOption(3*time.Minute), tcpip.KeepaliveIntervalOption(30*time.Second)
	_ = endpoint.SetSockOpt(&idle)
	_ = endpoint.SetSockOpt(&interval)
	return &netStream{endpoint: endpoint, queue: queue, stopPeek: make(chan struct{}, 1), over: make(chan struct{})}
}

func (s *netStream) onBroken(fn func()) {
	s.broken = waiter.NewFunctionEntry(waiter.EventHUp|waiter.EventErr, func(waiter.EventMask) {
		if tcp.EndpointState(s.endpoint.State()) == tcp.StateError {
			spawn(fn)
		}
	})
	s.watching = true
	s.queue.EventRegister(&s.broken)
}

func (s *netStream) pump(to stream, count *atomic.Uint64) error {
	entry, ready := waiter.NewChannelEntry(waiter.ReadableEvents)
	s.queue.EventRegister(&entry)
	defer s.queue.EventUnregister(&entry)
	for {
		err := s.drain(to, count)
		if _, blocked := err.(*tcpip.ErrWouldBlock); !blocked {
			return endOfRead(err)
		}
		select {
		case <-ready:
		case <-s.over:
			return errStopped
		}
	}
}

// drain passes on what has arrived, with one pooled buffer for as long as there is something.
func (s *netStream) drain(to stream, count *atomic.Uint64) any {
	pooled := buffers.Get().(*[]byte)
	defer buffers.Put(pooled)
	for {
		buffer := tcpip.SliceWriter((*pooled)[:])
		result, err := s.endpoint.Read(&buffer, tcpip.ReadOptions{})
		if err != nil {
			return err
		}
		if err := to.writeAll((*pooled)[:result.Count]); err != nil {
			return err
		}
		count.Add(uint64(result.Count))
	}
}

func endOfRead(cause any) error {
	switch err := cause.(type) {
	case *tcpip.ErrClosedForReceive:
		return nil
	case tcpip.Error:
		return errors.New(err.String())
	case error:
		return err
	}
	return errStopped
}

func (s *netStream) peek(buffer []byte, deadline time.Time) (int, error) {
	entry, ready := waiter.NewChannelEntry(waiter.ReadableEvents)
	s.queue.EventRegister(&entry)
	defer s.queue.EventUnregister(&entry)
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	for {
		into := tcpip.SliceWriter(buffer)
		result, err := s.endpoint.Read(&into, tcpip.ReadOptions{})
		if err == nil {
			return result.Count, nil
		}
		if _, blocked := err.(*tcpip.ErrWouldBlock); !blocked {
			return 0, cmp.Or(endOfRead(err), io.EOF)
		}
		select {
		case <-ready:
		case <-s.stopPeek:
			return 0, errStopped
		case <-s.over:
			return 0, errStopped
		case <-timer.C:
			return 0, os.ErrDeadlineExceeded
		}
	}
}

func (s *netStream) interrupt() {
	select {
	case s.stopPeek <- struct{}{}:
	default:
	}
}

func (s *netStream) writeAll(data []byte) error {
	source := bytes.NewReader(data)
	for {
		_, err := s.endpoint.Write(source, tcpip.WriteOptions{})
		if err == nil && source.Len() == 0 {
			return nil
		}
		if err == nil {
			continue
		}
		if _, blocked := err.(*tcpip.ErrWouldBlock); !blocked {
			return errors.New(err.String())
		}
		if !s.waitWritable() {
			return errStopped
		}
	}
}

func (s *netStream) waitWritable() bool {
	entry, ready := waiter.NewChannelEntry(waiter.WritableEvents)
	s.queue.EventRegister(&entry)
	defer s.queue.EventUnregister(&entry)
	if s.endpoint.Readiness(waiter.WritableEvents) != 0 {
		return true
	}
	select {
	case <-ready:
		return true
	case <-s.over:
		return false
	}
}

func (s *netStream) closeWrite() { _ = s.endpoint.Shutdown(tcpip.ShutdownWrite) }

// watch returns at once: onBroken and the opposite pump notice everything that can still happen.
func (s *netStream) watch() bool { return false }

func (s *netStream) close() {
	s.once.Do(func() {
		close(s.over)
		s.forget()
		s.endpoint.Close()
	})
}

func (s *netStream) abort() {
	s.once.Do(func() {
		close(s.over)
		s.forget()
		s.endpoint.Abort()
	})
}

const (
	// lingers bounds how long the last bytes of a closed connection may take.
	lingers        = 30 * time.Second
	looksForTheEnd = 100 * time.Millisecond
)

// waitUntilGone returns when the connection is closed on both sides, or its last bytes took too long.
func (s *netStream) waitUntilGone() {
	<-s.over
	deadline := time.Now().Add(lingers)
	for time.Now().Before(deadline) {
		switch tcp.EndpointState(s.endpoint.State()) {
		case tcp.StateClose, tcp.StateError, tcp.StateTimeWait:
			return
		}
		time.Sleep(looksForTheEnd)
	}
}

func (s *netStream) forget() {
	if s.watching {
		s.queue.EventUnregister(&s.broken)
	}
}
