// Lets Go's threads sleep longer than they ask for.
//
// One of them looks for what is stuck every 20 us while anything moves, which the kernel's usual slack makes 70 us: with
// one statement after the other on a connection that was a fifth of all the time Go took, and as many wake-ups. Nothing
// of ours needs its timers closer than a millisecond.
#include "threads.h"

#include <pthread.h>
#include <sys/prctl.h>

static const unsigned long slack_ns = 1000000;
static int before;
static pthread_t loader;

// Runs before the Go runtime, whose threads inherit it.
__attribute__((constructor(101))) static void threads_relax(void) {
  loader = pthread_self();
  before = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
  if (before > 0 && prctl(PR_SET_TIMERSLACK, slack_ns, 0, 0, 0) != 0) before = 0;
}

void threads_restore(void) {
  if (before <= 0 || !pthread_equal(loader, pthread_self())) return;
  prctl(PR_SET_TIMERSLACK, (unsigned long)before, 0, 0, 0);
  before = 0;
}
