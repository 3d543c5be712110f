// The first process of the pid namespace: starts the command, passes signals on, reaps, reports how it ended.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "netns.h"

struct command {
  pid_t pid;
  bool ended;
  int status;
  bool seen[_NSIG + 1];  // signals the whole process group got, terminal or kill alike
};

static void die_with_parent(void) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) fail("parent-death", "");
}

// execvp says EACCES for a missing command too when any directory of PATH cannot be entered.
static bool is_missing(const char *name, int error) {
  if (error == ENOENT || error == ENOTDIR) return true;
  if (error != EACCES || strchr(name, '/') != NULL) return false;
  const char *dirs = getenv("PATH");
  while (dirs != NULL) {
    size_t size = strcspn(dirs, ":");
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%.*s/%s", (int)size, dirs, name);
    if (access(path, F_OK) == 0) return false;
    dirs = dirs[size] == ':' ? dirs + size + 1 : NULL;
  }
  return true;
}

static _Noreturn void become_command(const struct config *config, const struct rlimit *core) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  setrlimit(RLIMIT_CORE, core);
  if (syscall(436 /* close_range */, 3u, ~0u, 4u /* CLOEXEC */) < 0) {
    // kernels before 5.11
    long open_max = sysconf(_SC_OPEN_MAX);
    for (int fd = 3; fd < open_max && fd < 65536; fd++) fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
  // as the command's user, and after its view is in place
  if (chdir(config->cwd) < 0) fail("cwd", config->cwd);
  environ = config->env;
  execvp(config->argv[0], config->argv);
  int error = errno;
  bool missing = is_missing(config->argv[0], error);
  dprintf(STDERR_FILENO, "clawpatrol: cannot run \"%s\": %s\n", config->argv[0], strerror(missing ? ENOENT : error));
  _exit(missing ? 127 : 126);
}

static void note_signals(int signals, struct command *command) {
  struct signalfd_siginfo info;
  while (read(signals, &info, sizeof info) == sizeof info) command->seen[info.ssi_signo] = true;
}

static void reap(struct command *command, const struct config *config, bool *finished) {
  int status;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    if (pid != command->pid) continue;
    command->ended = true;
    command->status = status;
  }
  bool alone = pid < 0 && errno == ECHILD;
  *finished = command->ended && (alone || !(config->flags & FLAG_WAIT_ALL));
}

// The parent asks for every signal it gets, and cannot know whether the terminal sent it to the whole group.
// The kernel signals the group at once, so if it did, ours is pending before the parent's request arrives.
static void pass_on(int signal, int signals, struct command *command) {
  note_signals(signals, command);
  bool has_it = command->seen[signal] && getpgid(command->pid) == getpgrp();
  command->seen[signal] = false;
  if (!has_it && !command->ended) kill(command->pid, signal);
}

// @return false when the parent is gone
static bool take_requests(int signals, struct command *command) {
  unsigned char requests[64];
  ssize_t got = recv(CONTROL_FD, requests, sizeof requests, MSG_DONTWAIT);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  for (ssize_t i = 0; i < got; i++) {
    if (requests[i] > 0 && requests[i] < SIGRTMIN) pass_on(requests[i], signals, command);
  }
  return got > 0;
}

static int watch(struct command *command, const struct config *config, int signals) {
  struct pollfd events[2] = {{.fd = signals, .events = POLLIN}, {.fd = CONTROL_FD, .events = POLLIN}};
  for (bool finished = false; !finished;) {
    if (poll(events, 2, -1) < 0 && errno != EINTR) fail("poll", "");
    if (events[1].revents != 0 && !take_requests(signals, command)) _exit(1);
    if (events[0].revents != 0) note_signals(signals, command);
    reap(command, config, &finished);
  }
  return command->status;
}

// Without a pid namespace nothing ends what the command left behind but us: orphans come to us to be killed.
static void kill_orphans(void) {
  char path[64], list[4096];
  snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
  for (;;) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    ssize_t got = read(fd, list, sizeof list - 1);
    close(fd);
    if (got <= 0) return;
    list[got] = 0;
    char *rest = list;
    for (long pid; (pid = strtol(rest, &rest, 10)) > 0;) {
      kill((pid_t)pid, SIGKILL);
      waitpid((pid_t)pid, NULL, 0);
    }
  }
}

void run_init(const struct config *config, bool isolated, const struct rlimit *core) {
  die_with_parent();
  set_undumpable();
  lock_down_mounts(config, isolated);
  report_ready();
  if (!await_go()) _exit(1);
  drop_privileges(config);
  restrict_calls();
  // a change of user clears both
  die_with_parent();
  set_undumpable();
  if (!isolated && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) fail("subreaper", "");

  sigset_t all;
  sigfillset(&all);
  int signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals < 0) fail("signals", "");
  struct command command = {.pid = fork()};
  if (command.pid < 0) fail("fork", "");
  if (command.pid == 0) {
    if (!isolated) die_with_parent();
    become_command(config, core);
  }
  int status = watch(&command, config, signals);
  if (!isolated) kill_orphans();
  report_exit(status);
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

int wait_for_init(pid_t init) {
  int status;
  while (waitpid(init, &status, 0) < 0) {
    if (errno != EINTR) return 1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
