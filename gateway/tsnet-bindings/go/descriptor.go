package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const pairBuffer = 1 << 20

// socketpair yields two connected stream sockets as "a b", or the cause.
func socketpair() string {
	fds, err := newPair(0)
	if err != nil {
		return "error " + err.Error()
	}
	return fmt.Sprintf("%d %d", fds[0], fds[1])
}

func newPair(flags int) ([2]int, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|flags, 0)
	if err != nil {
		return fds, os.NewSyscallError("socketpair", err)
	}
	for _, fd := range fds {
		for _, forced := range [][2]int{{unix.SO_SNDBUFFORCE, unix.SO_SNDBUF}, {unix.SO_RCVBUFFORCE, unix.SO_RCVBUF}} {
			if unix.SetsockoptInt(fd, unix.SOL_SOCKET, forced[0], pairBuffer) != nil {
				_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, forced[1], pairBuffer)
			}
		}
	}
	return fds, nil
}

// pairWithNode yields our end as a stream and Node's end as a descriptor.
func pairWithNode() (stream, int, error) {
	fds, err := newPair(unix.SOCK_NONBLOCK)
	if err != nil {
		return nil, 0, err
	}
	file := os.NewFile(uintptr(fds[0]), "flow")
	conn, err := net.FileConn(file)
	_ = file.Close()
	if err != nil {
		closeFd(fds[1])
		return nil, 0, err
	}
	ours, err := newSockStream(conn.(*net.UnixConn))
	if err != nil {
		_ = conn.Close()
		closeFd(fds[1])
		return nil, 0, err
	}
	return ours, fds[1], nil
}

func closeFd(fd int) { _ = unix.Close(fd) }

func dial(to string, timeout time.Duration) (*net.TCPConn, error) {
	address, err := parseAddress(to)
	if err != nil {
		return nil, err
	}
	dialer := net.Dialer{Timeout: timeout, KeepAlive: time.Minute}
	dialer.SetMultipathTCP(false)
	conn, err := dialer.DialContext(context.Background(), "tcp", address.String())
	if err != nil {
		return nil, dialFault(err)
	}
	return conn.(*net.TCPConn), nil
}

// dialFault keeps the cause and drops the addresses, which the caller knows.
func dialFault(err error) error {
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		return errors.New("timed out")
	}
	var system *os.SyscallError
	if errors.As(err, &system) {
		return system.Err
	}
	return err
}

func dialStream(to string, timeout time.Duration) (stream, error) {
	conn, err := dial(to, timeout)
	if err != nil {
		return nil, err
	}
	return newSockStream(conn)
}

// dialSocket yields a connected kernel socket that Node will own.
func dialSocket(to string, timeout time.Duration) (int, error) {
	conn, err := dial(to, timeout)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var fd int
	var cause error
	if err := raw.Control(func(open uintptr) { fd, cause = unix.FcntlInt(open, unix.F_DUPFD_CLOEXEC, 0) }); err != nil {
		return 0, err
	}
	return fd, cause
}

// receiveFd waits for a descriptor sent with SCM_RIGHTS and one byte of data on a stream socket we do not own.
func receiveFd(socket int, within time.Duration) (int, error) {
	deadline := time.Now().Add(within)
	for {
		polled := []unix.PollFd{{Fd: int32(socket), Events: unix.POLLIN}}
		ready, err := unix.Poll(polled, int(min(within.Milliseconds(), 100)))
		if err != nil && err != unix.EINTR {
			return 0, os.NewSyscallError("poll", err)
		}
		if ready > 0 {
			return readFd(socket)
		}
		if time.Now().After(deadline) {
			return 0, errors.New("timed out waiting for a descriptor")
		}
	}
}

func readFd(socket int) (int, error) {
	data := make([]byte, 1)
	control := make([]byte, unix.CmsgSpace(4))
	got, controlLength, _, _, err := unix.Recvmsg(socket, data, control, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return 0, os.NewSyscallError("recvmsg", err)
	}
	messages, err := unix.ParseSocketControlMessage(control[:controlLength])
	if err != nil || len(messages) != 1 {
		return 0, fmt.Errorf("expected a descriptor, got %d bytes without one", got)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return 0, errors.New("expected exactly one descriptor")
	}
	return fds[0], nil
}
