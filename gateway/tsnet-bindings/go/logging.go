package main

import (
	"io"
	"log"

	"tailscale.com/envknob"
)

// Before any part of tailscale reads it: nothing is uploaded anywhere, and nothing is printed into a command's output.
func init() {
	envknob.SetNoLogsNoSupport()
	// batches of packets that a path of 1280 bytes does not take whole are refused by the kernel, and nobody is told
	envknob.Setenv("TS_DEBUG_DISABLE_UDP_GSO", "true")
	log.SetOutput(io.Discard)
}
