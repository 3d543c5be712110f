// Command tsnet-bindings is the Go half of the addon: networks in user space, flows handed to Node as sockets.
package main

/*
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

typedef void (*claw_emit_fn)(int kind, uint64_t id, int64_t a, int64_t b, const char *text, size_t text_length,
                             const void *data, size_t data_length);
*/
import "C"

import (
	"os"
	"runtime"
	"runtime/debug"
	"unsafe"
)

func main() {}

//export ClawAttach
func ClawAttach(fn unsafe.Pointer) {
	raiseFileLimit()
	leaveRoom()
	attach(C.claw_emit_fn(fn))
}

// leaveRoom takes half of the processors: the other half decodes and judges, and handing a packet from goroutine to
// goroutine is cheaper where fewer threads look for work.
func leaveRoom() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(max(1, runtime.NumCPU()/2))
	}
	// idle flows are most of the heap: collecting it twice as often costs little and saves a quarter of it
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
}

//export ClawDetach
func ClawDetach() { detach() }

// ClawCall starts an operation; its end is announced by a reply event carrying `request`, 0 for none.
//
//export ClawCall
func ClawCall(op C.int, request, id C.uint64_t, a, b C.int64_t, text *C.char, textLength C.size_t, data unsafe.Pointer, dataLength C.size_t) {
	defer rescue()
	perform(call{
		op:      int(op),
		request: uint64(request),
		id:      uint64(id),
		a:       int64(a),
		b:       int64(b),
		text:    C.GoStringN(text, C.int(textLength)),
		data:    C.GoBytes(data, C.int(dataLength)),
	})
}

// ClawRead answers a question at once; the caller frees the text.
//
//export ClawRead
func ClawRead(op C.int, id C.uint64_t, text *C.char) *C.char {
	defer rescue()
	return C.CString(read(int(op), uint64(id), C.GoString(text)))
}
