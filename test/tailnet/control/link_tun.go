package main

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// openTun makes a TUN device in the namespace of a process. The device goes when its file is closed.
func openTun(end linkEnd) (*os.File, error) {
	type result struct {
		file *os.File
		err  error
	}
	made := make(chan result, 1)
	go func() {
		// never unlocked: the thread is in another namespace and ends with this goroutine
		runtime.LockOSThread()
		file, err := openTunHere(end)
		made <- result{file, err}
	}()
	done := <-made
	return done.file, done.err
}

func openTunHere(end linkEnd) (*os.File, error) {
	namespace, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", end.Pid))
	if err != nil {
		return nil, err
	}
	defer namespace.Close()
	if err := unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNET); err != nil {
		return nil, fmt.Errorf("cannot enter the namespace of %d: %w", end.Pid, err)
	}
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	request, err := unix.NewIfreq(end.Name)
	if err == nil {
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("cannot make %s: %w", end.Name, err)
	}
	return os.NewFile(uintptr(fd), end.Name), nil
}
