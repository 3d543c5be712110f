package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// linkOptions of a bad network link between two namespaces: each line of standard input, ends only in the first.
type linkOptions struct {
	Ends []linkEnd `json:"ends"`
	// Loss and Reorder are parts of all packets, 0 to 1, in each direction.
	Loss    float64 `json:"loss"`
	Reorder float64 `json:"reorder"`
}

// linkEnd is a TUN device in the namespace of a process.
type linkEnd struct {
	Pid  int    `json:"pid"`
	Name string `json:"name"`
}

// lateBy is how much later a packet comes that others overtake.
const lateBy = 5 * time.Millisecond

// link passes packets, loses some and lets some overtake others. Kernels without netem have no other way.
type link struct {
	mu                      sync.Mutex
	options                 linkOptions
	passed, lost, reordered atomic.Int64
}

// runLink runs a link until standard input closes; each line changes it and is answered with what it did so far.
func runLink(in io.Reader, out io.Writer) error {
	reader := bufio.NewReader(in)
	l := &link{}
	if err := l.read(reader); err != nil {
		return err
	}
	if len(l.options.Ends) != 2 {
		return errors.New("a link has two ends")
	}
	var ends [2]*os.File
	for i, end := range l.options.Ends {
		file, err := openTun(end)
		if err != nil {
			return err
		}
		ends[i] = file
	}
	go l.carry(ends[0], ends[1])
	go l.carry(ends[1], ends[0])
	encoder := json.NewEncoder(out)
	for {
		counts := map[string]int64{"passed": l.passed.Load(), "lost": l.lost.Load(), "reordered": l.reordered.Load()}
		if err := encoder.Encode(counts); err != nil {
			return err
		}
		if err := l.read(reader); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}

func (l *link) read(reader *bufio.Reader) error {
	line, err := reader.ReadBytes('\n')
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return json.Unmarshal(line, &l.options)
}

func (l *link) carry(from, to *os.File) {
	buffer := make([]byte, 64<<10)
	for {
		size, err := from.Read(buffer)
		if err != nil {
			return
		}
		l.mu.Lock()
		loss, reorder := l.options.Loss, l.options.Reorder
		l.mu.Unlock()
		switch chance := rand.Float64(); {
		case chance < loss:
			l.lost.Add(1)
		case chance < loss+reorder:
			l.reordered.Add(1)
			late := append([]byte{}, buffer[:size]...)
			time.AfterFunc(lateBy, func() { _, _ = to.Write(late) })
		default:
			l.passed.Add(1)
			// fails while the other end is down, as on a cable
			_, _ = to.Write(buffer[:size])
		}
	}
}
