package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"sort"
	"sync"
	"time"
)

type rate struct {
	PerSecond float64 `json:"perSecond"`
	P50Ms     float64 `json:"p50Ms"`
	P99Ms     float64 `json:"p99Ms"`
	Count     int     `json:"count"`
	Errors    int     `json:"errors"`
}

type bulk struct {
	MBPerSecond float64 `json:"mbPerSecond"`
	Seconds     float64 `json:"seconds"`
}

// repeat runs one loop per connection until the time is up and gathers the latency of every round.
func repeat(o options, loop func(until time.Time, done func(time.Duration)) error) rate {
	var lock sync.Mutex
	var all []time.Duration
	errors := 0
	var group sync.WaitGroup
	begin := time.Now()
	until := begin.Add(o.duration)
	for range o.connections {
		group.Add(1)
		go func() {
			defer group.Done()
			mine := make([]time.Duration, 0, 1<<16)
			err := loop(until, func(took time.Duration) { mine = append(mine, took) })
			lock.Lock()
			defer lock.Unlock()
			all = append(all, mine...)
			if err != nil {
				errors++
				if errors == 1 {
					println("load:", err.Error())
				}
			}
		}()
	}
	group.Wait()
	elapsed := time.Since(begin).Seconds()
	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	at := func(share float64) float64 {
		if len(all) == 0 {
			return 0
		}
		return float64(all[int(float64(len(all)-1)*share)].Microseconds()) / 1000
	}
	return rate{float64(len(all)) / elapsed, at(0.5), at(0.99), len(all), errors}
}

func keepAlive(args []string) any {
	o := parse("keepalive", args)
	request := o.head("GET", "/small", -1)
	return repeat(o, func(until time.Time, done func(time.Duration)) error {
		conn, err := o.dial()
		if err != nil {
			return err
		}
		defer conn.Close()
		reader := bufio.NewReader(conn)
		for time.Now().Before(until) {
			begin := time.Now()
			if _, err := conn.Write(request); err != nil {
				return err
			}
			if _, err := readResponse(reader); err != nil {
				return err
			}
			done(time.Since(begin))
		}
		return nil
	})
}

func newConnections(args []string) any {
	o := parse("newconn", args)
	request := o.head("GET", "/small", -1)
	return repeat(o, func(until time.Time, done func(time.Duration)) error {
		for time.Now().Before(until) {
			begin := time.Now()
			conn, err := o.dial()
			if err != nil {
				return err
			}
			if _, err = conn.Write(request); err == nil {
				_, err = readResponse(bufio.NewReader(conn))
			}
			_ = conn.Close()
			if err != nil {
				return err
			}
			done(time.Since(begin))
		}
		return nil
	})
}

func download(args []string) any {
	o := parse("download", args)
	conn, err := o.dial()
	check(err)
	begin := time.Now()
	_, err = conn.Write(o.head("GET", "/bytes?n="+decimal(o.megabytes<<20), -1))
	check(err)
	count, err := readResponse(bufio.NewReaderSize(conn, 256<<10))
	check(err)
	return speed(count, begin)
}

func upload(args []string) any {
	o := parse("upload", args)
	conn, err := o.dial()
	check(err)
	begin := time.Now()
	_, err = conn.Write(o.head("POST", "/upload", o.megabytes<<20))
	check(err)
	block := make([]byte, 256<<10)
	for left := o.megabytes << 20; left > 0; left -= int64(len(block)) {
		_, err = conn.Write(block)
		check(err)
	}
	_, err = readResponse(bufio.NewReader(conn))
	check(err)
	return speed(o.megabytes<<20, begin)
}

func streams(args []string) any {
	o := parse("streams", args)
	transport := &http.Transport{
		ForceAttemptHTTP2: true,
		TLSClientConfig:   &tls.Config{ServerName: o.name, RootCAs: o.roots},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, o.address)
		},
	}
	client := &http.Client{Transport: transport, Timeout: 30 * time.Second}
	get := func() error {
		request, err := http.NewRequest("GET", "https://"+o.name+"/small", nil)
		if err != nil {
			return err
		}
		if o.token != "" {
			request.Header.Set("Authorization", "Bearer "+o.token)
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		if response.ProtoMajor != 2 {
			fail("the answer came over " + response.Proto)
		}
		_, err = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		return err
	}
	check(get())
	o.connections = o.streams
	return repeat(o, func(until time.Time, done func(time.Duration)) error {
		for time.Now().Before(until) {
			begin := time.Now()
			if err := get(); err != nil {
				return err
			}
			done(time.Since(begin))
		}
		return nil
	})
}

// idle opens connections, makes one request on each, prints a line, and holds them until stdin closes.
func idle(args []string) any {
	o := parse("idle", args)
	request := o.head("GET", "/small", -1)
	for range o.connections {
		conn, err := o.dial()
		check(err)
		_, err = conn.Write(request)
		check(err)
		_, err = readResponse(bufio.NewReaderSize(conn, 512))
		check(err)
		held = append(held, conn)
	}
	println("holding")
	waitForStdin()
	return nil
}
