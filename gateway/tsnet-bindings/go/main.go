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
func ClawAttach(emit, next, free unsafe.Pointer, wakeFd C.int) {
	raiseFileLimit()
	leaveRoom()
	attach(C.claw_emit_fn(emit))
	takeCalls(next, free, int(wakeFd))
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

// ClawRead answers a question at once; the caller frees the text.
//
//export ClawRead
func ClawRead(op C.int, id C.uint64_t, text *C.char) *C.char {
	defer rescue()
	return C.CString(read(int(op), uint64(id), C.GoString(text)))
}
