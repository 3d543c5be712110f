package main

import (
	"io"
	"net"
	"os"
	"strconv"
	"time"
)

// held keeps idle connections from being collected.
var held []net.Conn

// waitForStdin returns when the parent is gone: a closed stdin alone may only mean that it has nothing to say.
func waitForStdin() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	for parent := os.Getppid(); os.Getppid() == parent; {
		time.Sleep(200 * time.Millisecond)
	}
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

func speed(count int64, begin time.Time) bulk {
	seconds := time.Since(begin).Seconds()
	return bulk{float64(count) / 1e6 / seconds, seconds}
}
