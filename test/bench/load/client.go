package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"
)

// target is where and how a client connects.
type target struct {
	address string
	name    string
	plain   bool
	roots   *x509.CertPool
	token   string
}

type options struct {
	target
	connections int
	duration    time.Duration
	megabytes   int64
	streams     int
}

func parse(name string, args []string) options {
	flags := flag.NewFlagSet(name, flag.ExitOnError)
	var o options
	flags.StringVar(&o.address, "connect", "", "host:port to connect to")
	flags.StringVar(&o.name, "name", "", "TLS server name and Host")
	flags.BoolVar(&o.plain, "plain", false, "no TLS")
	flags.StringVar(&o.token, "token", "", "bearer token to send")
	ca := flags.String("ca", "", "PEM file of roots")
	flags.IntVar(&o.connections, "c", 1, "connections")
	flags.DurationVar(&o.duration, "d", 3*time.Second, "how long")
	flags.Int64Var(&o.megabytes, "mib", 512, "MiB to move")
	flags.IntVar(&o.streams, "streams", 128, "HTTP/2 streams at once")
	check(flags.Parse(args))
	if *ca != "" {
		pem, err := os.ReadFile(*ca)
		check(err)
		o.roots = x509.NewCertPool()
		o.roots.AppendCertsFromPEM(pem)
	}
	return o
}

func (t target) dial() (net.Conn, error) {
	conn, err := net.DialTimeout("tcp", t.address, 10*time.Second)
	if err != nil || t.plain {
		return conn, err
	}
	secure := tls.Client(conn, &tls.Config{ServerName: t.name, RootCAs: t.roots, NextProtos: []string{"http/1.1"}})
	if err := secure.Handshake(); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secure, nil
}

func (t target) head(method, path string, length int64) []byte {
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nAccept: */*\r\n", method, path, t.name)
	if t.token != "" {
		head += "Authorization: Bearer " + t.token + "\r\n"
	}
	if length >= 0 {
		head += fmt.Sprintf("Content-Length: %d\r\n", length)
	}
	return []byte(head + "\r\n")
}

// readResponse reads one response with a Content-Length and throws its body away.
func readResponse(reader *bufio.Reader) (int64, error) {
	status, err := reader.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(status) < 12 || string(status[9:12]) != "200" {
		return 0, fmt.Errorf("unexpected answer %q", status)
	}
	length := int64(-1)
	for {
		line, err := reader.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		if len(line) <= 2 {
			break
		}
		if colon := bytes.IndexByte(line, ':'); colon == 14 && bytes.EqualFold(line[:14], []byte("content-length")) {
			if length, err = strconv.ParseInt(string(bytes.TrimSpace(line[15:])), 10, 64); err != nil {
				return 0, err
			}
		}
	}
	if length < 0 {
		return 0, fmt.Errorf("no Content-Length in the answer")
	}
	return io.CopyN(io.Discard, reader, length)
}
