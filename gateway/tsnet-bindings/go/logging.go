package main

import "tailscale.com/envknob"

// Before any part of tailscale reads it: nothing is uploaded anywhere.
func init() { envknob.SetNoLogsNoSupport() }
