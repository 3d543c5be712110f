package main

/*
#include <stddef.h>
#include <stdint.h>

// As src/addon.c has it.
typedef struct claw_call {
  int op;
  uint64_t request, id;
  int64_t a, b;
  char *text;
  size_t text_length;
  void *data;
  size_t data_length;
  struct claw_call *next;
} claw_call;

typedef void *(*claw_next_fn)(void);
typedef void (*claw_free_fn)(void *);

static void *claw_call_next(void *fn) { return ((claw_next_fn)fn)(); }
static void claw_call_free(void *fn, void *call) { ((claw_free_fn)fn)(call); }
*/
import "C"

import (
	"os"
	"unsafe"
)

// takeCalls performs what JavaScript queues, one after the other; wakeFd becomes readable when the queue fills.
func takeCalls(next, free unsafe.Pointer, wakeFd int) {
	wake := os.NewFile(uintptr(wakeFd), "calls")
	onDetach(func() { _ = wake.Close() })
	spawn(func() {
		counter := make([]byte, 8)
		for {
			if _, err := wake.Read(counter); err != nil {
				return
			}
			for {
				queued := (*C.claw_call)(C.claw_call_next(next))
				if queued == nil {
					break
				}
				one := call{
					op:      int(queued.op),
					request: uint64(queued.request),
					id:      uint64(queued.id),
					a:       int64(queued.a),
					b:       int64(queued.b),
					text:    C.GoStringN(queued.text, C.int(queued.text_length)),
					data:    C.GoBytes(queued.data, C.int(queued.data_length)),
				}
				C.claw_call_free(free, unsafe.Pointer(queued))
				performSafely(one)
			}
		}
	})
}

// performSafely keeps one call's panic from ending the others.
func performSafely(one call) {
	defer rescue()
	perform(one)
}
