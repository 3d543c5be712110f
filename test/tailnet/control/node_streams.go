package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// stream is a connection a test holds; a datagram flow is one, too.
type stream struct{ net.Conn }

// open dials through the tailnet and keeps the connection for later commands.
func (n *node) open(ctx context.Context, network, to string) (any, error) {
	if network == "" {
		network = "tcp"
	}
	conn, err := n.server.Dial(ctx, network, to)
	if err != nil {
		return nil, err
	}
	return map[string]any{"stream": n.keep(conn), "local": conn.LocalAddr().String()}, nil
}

func (n *node) keep(conn net.Conn) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.last++
	n.streams[n.last] = &stream{conn}
	return n.last
}

// use writes to, reads from or ends a connection; a read ends with the first bytes, or at the end with none.
func (n *node) use(ctx context.Context, c command) (any, error) {
	n.mu.Lock()
	kept := n.streams[c.Stream]
	n.mu.Unlock()
	if kept == nil {
		return nil, fmt.Errorf("no connection %d", c.Stream)
	}
	until, _ := ctx.Deadline()
	switch c.Do {
	case "write":
		_ = kept.SetWriteDeadline(until)
		_, err := kept.Write(c.Bytes)
		return nil, err
	case "read":
		return kept.read(until, c.Most)
	case "end":
		half, ok := kept.Conn.(interface{ CloseWrite() error })
		if !ok {
			return nil, errors.New("cannot end one direction of this connection")
		}
		return nil, half.CloseWrite()
	default:
		n.mu.Lock()
		delete(n.streams, c.Stream)
		n.mu.Unlock()
		return nil, kept.Close()
	}
}

func (s *stream) read(until time.Time, most int) (any, error) {
	if most <= 0 || most > 1<<20 {
		most = 64 << 10
	}
	_ = s.SetReadDeadline(until)
	buffer := make([]byte, most)
	size, err := s.Read(buffer)
	if errors.Is(err, io.EOF) {
		return map[string]any{"bytes": []byte{}, "ended": true}, nil
	}
	return map[string]any{"bytes": buffer[:size], "ended": false}, err
}

// listen echoes what connects to a port of the node.
func (n *node) listen(port int) error {
	listener, err := n.server.Listen("tcp", fmt.Sprintf(":%d", port))
	if err != nil {
		return err
	}
	go echo(listener)
	return nil
}

func echo(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			_, _ = io.Copy(conn, conn)
		}()
	}
}
