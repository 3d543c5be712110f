package main

import (
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
)

// serve runs the upstream until its parent is gone: HTTPS with HTTP/2 on one port, plain HTTP on another.
// GET /small answers 64 bytes, GET /bytes?n=N answers N bytes, POST /upload counts what it gets.
func serve(args []string) any {
	flags := flag.NewFlagSet("serve", flag.ExitOnError)
	cert := flags.String("cert", "", "certificate chain, PEM file")
	key := flags.String("key", "", "private key, PEM file")
	address := flags.String("address", "127.0.0.1", "address to listen on")
	check(flags.Parse(args))

	mux := http.NewServeMux()
	small := []byte("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")
	mux.HandleFunc("/small", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Length", "64")
		_, _ = w.Write(small)
	})
	mux.HandleFunc("/bytes", func(w http.ResponseWriter, r *http.Request) {
		left, err := strconv.ParseInt(r.URL.Query().Get("n"), 10, 64)
		if err != nil {
			http.Error(w, "n is not a number", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Length", strconv.FormatInt(left, 10))
		block := make([]byte, 256<<10)
		for left > 0 {
			part := min(left, int64(len(block)))
			if _, err := w.Write(block[:part]); err != nil {
				return
			}
			left -= part
		}
	})
	mux.HandleFunc("/upload", func(w http.ResponseWriter, r *http.Request) {
		count, _ := io.CopyBuffer(io.Discard, struct{ io.Reader }{r.Body}, make([]byte, 256<<10))
		fmt.Fprintf(w, "%d\n", count)
	})

	secure, err := net.Listen("tcp", net.JoinHostPort(*address, "0"))
	check(err)
	plain, err := net.Listen("tcp", net.JoinHostPort(*address, "0"))
	check(err)
	pair, err := tls.LoadX509KeyPair(*cert, *key)
	check(err)
	go func() {
		server := &http.Server{Handler: mux, TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}}}
		check(server.ServeTLS(secure, "", ""))
	}()
	go func() { check(http.Serve(plain, mux)) }()
	fmt.Printf("{\"secure\":%d,\"plain\":%d}\n", secure.Addr().(*net.TCPAddr).Port, plain.Addr().(*net.TCPAddr).Port)
	waitForStdin()
	return nil
}
