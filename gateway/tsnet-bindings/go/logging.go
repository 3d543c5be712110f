package main

import (
	"io"
	"log"

	"tailscale.com/envknob"
)

// Before any part of tailscale reads it: nothing is uploaded anywhere, and nothing is printed into a command's output.
func init() {
	envknob.SetNoLogsNoSupport()
	log.SetOutput(io.Discard)
}
