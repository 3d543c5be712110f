package main

/*
#include <stddef.h>
#include <stdint.h>

typedef void (*claw_emit_fn)(int kind, uint64_t id, int64_t a, int64_t b, const char *text, size_t text_length,
                             const void *data, size_t data_length);

static claw_emit_fn claw_emit;

static void claw_set_emit(claw_emit_fn fn) { claw_emit = fn; }

static void claw_call_emit(int kind, uint64_t id, int64_t a, int64_t b, const char *text, size_t text_length,
                           const void *data, size_t data_length) {
  claw_emit(kind, id, a, b, text, text_length, data, data_length);
}
*/
import "C"

import (
	"fmt"
	"runtime/debug"
	"sync"
	"unsafe"
)

// Kinds of event; src/addon.c passes them on and index.ts names them again.
const (
	eventReply     = 1 // id: request, a: 0 done or 1 failed, b: number asked for, text: answer or cause
	eventFlow      = 2 // id: flow, a: transport, text: "from port to port"
	eventPeek      = 3 // id: flow, data: bytes that arrived since the last one
	eventDatagrams = 4 // id: datagram flow, a: transport, text: "from port to port"
	eventQuery     = 5 // id: query, a: transport, text: "from port to port", data: DNS message
	eventFault     = 6 // text: what went wrong inside
	eventAccepted  = 7 // id: own port, a: descriptor, b: 0, text: "from port to port node"
)

// attached guards emit against an environment that is being torn down.
var attached struct {
	sync.RWMutex
	on    bool
	after []func()
}

func attach(fn C.claw_emit_fn) {
	attached.Lock()
	defer attached.Unlock()
	C.claw_set_emit(fn)
	attached.on = true
}

func detach() {
	attached.Lock()
	defer attached.Unlock()
	attached.on = false
	for _, work := range attached.after {
		work()
	}
	attached.after = nil
}

// onDetach runs work when the environment is torn down.
func onDetach(work func()) {
	attached.Lock()
	defer attached.Unlock()
	attached.after = append(attached.after, work)
}

// emit hands one event to JavaScript; false when nobody is there to take it.
func emit(kind int, id uint64, a, b int64, text string, data []byte) bool {
	attached.RLock()
	defer attached.RUnlock()
	if !attached.on {
		return false
	}
	C.claw_call_emit(C.int(kind), C.uint64_t(id), C.int64_t(a), C.int64_t(b),
		(*C.char)(unsafe.Pointer(unsafe.StringData(text))), C.size_t(len(text)),
		unsafe.Pointer(unsafe.SliceData(data)), C.size_t(len(data)))
	return true
}

func succeed(request uint64, value int64, text string) bool {
	return emit(eventReply, request, 0, value, text, nil)
}

func fail(request uint64, err error) { emit(eventReply, request, 1, 0, err.Error(), nil) }

// spawn runs work on its own goroutine; a panic becomes a fault event instead of the end of the process.
func spawn(work func()) {
	go func() {
		defer rescue()
		work()
	}()
}

func rescue() {
	if cause := recover(); cause != nil {
		emit(eventFault, 0, 0, 0, fmt.Sprintf("%v\n%s", cause, debug.Stack()), nil)
	}
}
