// netns --probe: does everything a run needs short of running, and prints what is refused, one line each.
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "netns.h"

static int attempt(void (*step)(void)) {
  pid_t child = fork();
  if (child < 0) {
    perror("fork");
    return 1;
  }
  if (child == 0) {
    step();
    _exit(0);
  }
  int status;
  if (waitpid(child, &status, 0) < 0) return 1;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}

static void enter(void) {
  struct config config = {.flags = geteuid() == 0 ? 0 : FLAG_USER_NAMESPACE};
  enter_namespaces(&config);
}

static void try_namespaces(void) {
  enter();
  make_mounts_private();
  bool isolated;
  pid_t init = fork_into_pid_namespace(&isolated);
  if (init == 0) _exit(0);
  waitpid(init, NULL, 0);
}

static void try_tun(void) {
  // the device file can be judged even where namespaces are refused
  if (access("/dev/net/tun", R_OK | W_OK) < 0) fail("tun-open", "/dev/net/tun");
}

static void try_tun_inside(void) {
  enter();
  close(open_tun());
}

int probe(void) {
  print_failures();
  int namespaces = attempt(try_namespaces);
  int device = attempt(try_tun);
  if (namespaces != 0 || device != 0) return 1;
  return attempt(try_tun_inside);
}
