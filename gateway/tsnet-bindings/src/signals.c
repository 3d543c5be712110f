// Keeps signals off goroutine stacks.
//
// libuv installs its handlers without SA_ONSTACK. When such a signal arrives on a Go thread, its frame is written
// onto a goroutine's small stack and destroys what lies beyond. So Go's threads inherit a mask that blocks what can be
// blocked, and handlers of what Go unblocks again (SIGCHLD) are moved to the alternate stack.
#include "signals.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>

static sigset_t before;
static pthread_t loader;
static int blocked;

// Runs before the Go runtime, whose threads start from its own initializer.
__attribute__((constructor(101))) static void signals_block(void) {
  static const int kept[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGURG, SIGPROF};
  sigset_t all;
  sigfillset(&all);
  for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) sigdelset(&all, kept[i]);
  loader = pthread_self();
  blocked = pthread_sigmask(SIG_SETMASK, &all, &before) == 0;
}

void signals_restore(void) {
  if (!blocked || !pthread_equal(loader, pthread_self())) return;
  blocked = 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

int signals_on_alternate_stack(void) {
  int changed = 0;
  for (int number = 1; number <= SIGRTMAX; number++) {
    struct sigaction action;
    if (sigaction(number, NULL, &action) != 0) continue;
    int custom = (action.sa_flags & SA_SIGINFO) != 0 || (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN);
    if (!custom || (action.sa_flags & SA_ONSTACK) != 0) continue;
    action.sa_flags |= SA_ONSTACK;
    if (sigaction(number, &action, NULL) == 0) changed++;
  }
  return changed;
}
