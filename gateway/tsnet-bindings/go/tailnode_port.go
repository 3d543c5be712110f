package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// portFile keeps the UDP port a node was last reached at: after a restart on the same one, nodes that are not ours
// find it at once instead of after their patience with the old one.
const portFile = "udp-port"

// lastPort yields 0, any port, for a node that starts for the first time.
func lastPort(stateDir string) uint16 {
	text, err := os.ReadFile(filepath.Join(stateDir, portFile))
	if err != nil {
		return 0
	}
	port, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 16)
	if err != nil {
		return 0
	}
	return uint16(port)
}

// keepPort notes the port in use; without the note the next start takes another one, which is slower and no worse.
func (n *tailnetNode) keepPort(stateDir string) {
	socket, ok := n.server.Sys().MagicSock.GetOK()
	if !ok {
		return
	}
	text := strconv.Itoa(int(socket.LocalPort())) + "\n"
	_ = os.WriteFile(filepath.Join(stateDir, portFile), []byte(text), 0o600)
}
