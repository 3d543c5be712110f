// Command control is a tailnet of our own for tests: a control server with DERP and STUN, a fake of the Tailscale API,
// plain upstream nodes to test against, and bad links between them. Nothing of it is shipped.
package main

import (
	"fmt"
	"os"

	"tailscale.com/envknob"
)

func main() {
	// nothing here may upload logs, whatever the environment says
	envknob.SetNoLogsNoSupport()
	var err error
	switch word := argument(1); word {
	case "serve":
		err = serve(os.Stdin, os.Stdout)
	case "node":
		err = runNode(os.Stdin, os.Stdout)
	case "link":
		err = runLink(os.Stdin, os.Stdout)
	default:
		err = fmt.Errorf("unknown command %q: say serve, node or link", word)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func argument(n int) string {
	if n < len(os.Args) {
		return os.Args[n]
	}
	return ""
}
