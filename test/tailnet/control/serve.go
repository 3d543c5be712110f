package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"tailscale.com/types/logger"
)

// serve runs the control server, the API and the admin endpoints until standard input closes or it is told to end.
func serve(in io.Reader, out io.Writer) error {
	reader := bufio.NewReader(in)
	options, err := readOptions(reader)
	if err != nil {
		return err
	}
	if !options.Verbose {
		log.SetOutput(io.Discard)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	derp, err := startRelays(ctx, options.Listen)
	if err != nil {
		return err
	}
	t := newTailnet(options, derp)
	if err := wrapInside(t.control, t.inside); err != nil {
		return err
	}
	control, err := listen(options.Listen, options.ControlPort)
	if err != nil {
		return err
	}
	t.control.ExplicitBaseURL = urlOf(control)
	places := map[string]string{"control": urlOf(control)}
	serveOn(control, t.outside())
	for name, part := range map[string]struct {
		port    int
		handler http.Handler
	}{
		"api":   {options.APIPort, t.api()},
		"admin": {options.AdminPort, t.admin()},
	} {
		listener, err := listen(options.Listen, part.port)
		if err != nil {
			return err
		}
		places[name] = urlOf(listener)
		serveOn(listener, part.handler)
		if options.SocketDir == "" {
			continue
		}
		socket, err := net.Listen("unix", filepath.Join(options.SocketDir, name+".sock"))
		if err != nil {
			return err
		}
		serveOn(socket, part.handler)
	}
	if err := json.NewEncoder(out).Encode(places); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, reader)
		stop()
	}()
	<-ctx.Done()
	if options.SocketDir != "" {
		_ = os.Remove(filepath.Join(options.SocketDir, "admin.sock"))
		_ = os.Remove(filepath.Join(options.SocketDir, "api.sock"))
		_ = os.Remove(options.SocketDir)
	}
	return nil
}

// outside is what is asked without Noise; anything unknown would make testcontrol panic.
func (t *tailnet) outside() http.Handler {
	routes := http.NewServeMux()
	for _, path := range []string{"/key", "/ts2021", "/generate_204"} {
		routes.Handle(path, t.control)
	}
	return routes
}

func listen(address string, port int) (net.Listener, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(address, strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("cannot listen: %w", err)
	}
	return listener, nil
}

func serveOn(listener net.Listener, handler http.Handler) {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ErrorLog: logger.StdLogger(logger.Discard)}
	go func() { _ = server.Serve(listener) }()
}

func urlOf(listener net.Listener) string { return "http://" + listener.Addr().String() }

func logfOf(options options) logger.Logf {
	if options.Verbose {
		return log.Printf
	}
	return logger.Discard
}
