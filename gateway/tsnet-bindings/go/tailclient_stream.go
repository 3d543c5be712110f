package main

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// halfConn is a connection whose directions end one after the other.
type halfConn interface {
	net.Conn
	CloseWrite() error
}

// dialedStream is a connection the library made: of a node to its gateway, or one that TLS was taken off.
type dialedStream struct{ conn halfConn }

func newDialedStream(conn halfConn) *dialedStream { return &dialedStream{conn} }

// onBroken has nothing to register: a reset fails the pump that reads.
func (s *dialedStream) onBroken(func()) {}

func (s *dialedStream) pump(to stream, count *atomic.Uint64) error {
	pooled := buffers.Get().(*[]byte)
	defer buffers.Put(pooled)
	for {
		got, err := s.conn.Read(*pooled)
		if got > 0 {
			if failed := to.writeAll((*pooled)[:got]); failed != nil {
				return failed
			}
			count.Add(uint64(got))
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (s *dialedStream) peek(buffer []byte, deadline time.Time) (int, error) {
	_ = s.conn.SetReadDeadline(deadline)
	defer s.conn.SetReadDeadline(time.Time{})
	return s.conn.Read(buffer)
}

func (s *dialedStream) interrupt() { _ = s.conn.SetReadDeadline(time.Unix(1, 0)) }

func (s *dialedStream) writeAll(bytes []byte) error {
	_, err := s.conn.Write(bytes)
	return err
}

func (s *dialedStream) closeWrite() { _ = s.conn.CloseWrite() }

// watch cannot tell: a peer that is gone is noticed by the pump or a write.
func (s *dialedStream) watch() bool { return false }

func (s *dialedStream) close() { _ = s.conn.Close() }

func (s *dialedStream) abort() { _ = s.conn.Close() }
