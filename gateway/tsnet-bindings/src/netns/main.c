// netns: runs one command with all its traffic in a TUN that the parent process serves.
// Started by onboard/capture with a control socket on fd 3 and a socket for the TUN on fd 4; see netns.h.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netns.h"

static bool is_socket(int fd) {
  struct stat found;
  return fstat(fd, &found) == 0 && S_ISSOCK(found.st_mode);
}

static void own_socket(int fd) {
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
}

struct terminal {
  int fd;
  pid_t foreground;
};

static struct terminal remember_terminal(void) {
  int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  return (struct terminal){fd, fd < 0 ? -1 : tcgetpgrp(fd)};
}

// A shell inside cannot name our process group from its pid namespace, so it cannot give the terminal back.
static void restore_terminal(const struct terminal *terminal) {
  if (terminal->fd >= 0 && terminal->foreground == getpgrp()) tcsetpgrp(terminal->fd, terminal->foreground);
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "--probe") == 0) return probe();
  if (argc != 1 || !is_socket(CONTROL_FD) || !is_socket(TUN_CHANNEL_FD)) {
    fputs("netns is started by clawpatrol run, not by hand\n", stderr);
    return 2;
  }
  own_socket(CONTROL_FD);
  own_socket(TUN_CHANNEL_FD);
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  struct rlimit core, none = {0, 0};
  getrlimit(RLIMIT_CORE, &core);
  setrlimit(RLIMIT_CORE, &(struct rlimit){none.rlim_cur, core.rlim_max});

  struct config config;
  read_config(&config);
  struct terminal terminal = remember_terminal();
  enter_namespaces(&config);
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  make_mounts_private();
  int tun = open_tun();
  send_tun(tun);
  close(tun);
  close(TUN_CHANNEL_FD);
  configure_network(&config);

  bool isolated;
  pid_t init = fork_into_pid_namespace(&isolated);
  if (init == 0) run_init(&config, isolated, &core);
  set_undumpable();
  close(CONTROL_FD);
  int code = wait_for_init(init);
  restore_terminal(&terminal);
  return code;
}
