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

func waitForStdin() { _, _ = io.Copy(io.Discard, os.Stdin) }

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

func speed(count int64, begin time.Time) bulk {
	seconds := time.Since(begin).Seconds()
	return bulk{float64(count) / 1e6 / seconds, seconds}
}
