// Command load is the bench's own upstream and client: small enough not to be what is measured.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	if len(os.Args) < 2 {
		fail("usage: load serve|keepalive|newconn|download|upload|streams|idle ...")
	}
	commands := map[string]func([]string) any{
		"serve":     serve,
		"keepalive": keepAlive,
		"newconn":   newConnections,
		"download":  download,
		"upload":    upload,
		"streams":   streams,
		"idle":      idle,
	}
	command, known := commands[os.Args[1]]
	if !known {
		fail("unknown command " + os.Args[1])
	}
	if result := command(os.Args[2:]); result != nil {
		if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
			fail(err.Error())
		}
	}
}

func fail(message string) {
	fmt.Fprintln(os.Stderr, "load: "+message)
	os.Exit(1)
}

func check(err error) {
	if err != nil {
		fail(err.Error())
	}
}
