package main

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// kernelConn is a TCP or UNIX stream socket.
type kernelConn interface {
	net.Conn
	syscall.Conn
	CloseWrite() error
}

// sockStream is a kernel socket: an upstream connection or our end of a pair whose other end is Node's.
type sockStream struct {
	conn    kernelConn
	raw     syscall.RawConn
	stopped atomic.Bool
}

func newSockStream(conn kernelConn) (*sockStream, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	return &sockStream{conn: conn, raw: raw}, nil
}

// onBroken has nothing to register: a reset of a kernel socket fails the pump that reads it.
func (s *sockStream) onBroken(func()) {}

func (s *sockStream) pump(to stream, count *atomic.Uint64) error {
	_ = s.conn.SetReadDeadline(time.Time{})
	for {
		var pooled *[]byte
		var got int
		var cause error
		err := s.raw.Read(func(fd uintptr) bool {
			pooled = buffers.Get().(*[]byte)
			got, cause = readOnce(int(fd), *pooled)
			if cause == unix.EAGAIN {
				buffers.Put(pooled)
				pooled, cause = nil, nil
				return false
			}
			return true
		})
		if err != nil {
			return err
		}
		if got > 0 && cause == nil {
			cause = to.writeAll((*pooled)[:got])
			count.Add(uint64(got))
			buffers.Put(pooled)
			if cause != nil {
				return cause
			}
			continue
		}
		buffers.Put(pooled)
		if cause != nil {
			return cause
		}
		if s.hungUp() {
			return errHungUp
		}
		return nil
	}
}

func readOnce(fd int, buffer []byte) (int, error) {
	for {
		got, err := unix.Read(fd, buffer)
		if err != unix.EINTR {
			return got, err
		}
	}
}

func (s *sockStream) hungUp() bool {
	gone := true
	_ = s.raw.Control(func(fd uintptr) { gone = pollHangup(int(fd)) })
	return gone
}

func pollHangup(fd int) bool {
	polled := []unix.PollFd{{Fd: int32(fd)}}
	_, err := unix.Poll(polled, 0)
	return err == nil && polled[0].Revents&(unix.POLLHUP|unix.POLLERR) != 0
}

// watch waits for the full close that may follow a half close.
func (s *sockStream) watch() bool {
	_ = s.raw.Read(func(fd uintptr) bool { return pollHangup(int(fd)) })
	return true
}

func (s *sockStream) peek(buffer []byte, deadline time.Time) (int, error) {
	if err := s.conn.SetReadDeadline(deadline); err != nil {
		return 0, err
	}
	got, err := s.conn.Read(buffer)
	if errors.Is(err, os.ErrDeadlineExceeded) && s.stopped.Load() {
		err = errStopped
	}
	_ = s.conn.SetReadDeadline(time.Time{})
	return got, err
}

func (s *sockStream) interrupt() {
	s.stopped.Store(true)
	_ = s.conn.SetReadDeadline(time.Unix(1, 0))
}

func (s *sockStream) writeAll(bytes []byte) error {
	_, err := s.conn.Write(bytes)
	return err
}

func (s *sockStream) closeWrite() { _ = s.conn.CloseWrite() }

func (s *sockStream) close() { _ = s.conn.Close() }

func (s *sockStream) abort() {
	if tcp, ok := s.conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = s.conn.Close()
}
