// New user, network, mount and pid namespaces, and the TUN device inside them.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "netns.h"

static void write_file(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) fail("id-map", path);
  if (write(fd, text, strlen(text)) < 0) fail("id-map", path);
  close(fd);
}

// uid to uid, not 0 to uid: the agent keeps its identity and exec gives it no capability.
static void enter_user_namespace(void) {
  uid_t uid = geteuid();
  gid_t gid = getegid();
  if (unshare(CLONE_NEWUSER) < 0) fail("user-namespace", "");
  char map[64];
  write_file("/proc/self/setgroups", "deny");
  snprintf(map, sizeof map, "%u %u 1\n", uid, uid);
  write_file("/proc/self/uid_map", map);
  snprintf(map, sizeof map, "%u %u 1\n", gid, gid);
  write_file("/proc/self/gid_map", map);
}

void enter_namespaces(struct config *config) {
  if (!(config->flags & FLAG_USER_NAMESPACE)) {
    if (unshare(CLONE_NEWNET | CLONE_NEWNS) == 0) return;
    // root without CAP_SYS_ADMIN, as in most containers: a user namespace gives what is needed
    if (errno != EPERM || (config->flags & FLAG_SWITCH_USER)) fail("namespaces", "");
    config->flags |= FLAG_USER_NAMESPACE;
  }
  enter_user_namespace();
  if (unshare(CLONE_NEWNET) < 0) fail("network-namespace", "");
  if (unshare(CLONE_NEWNS) < 0) fail("mount-namespace", "");
}

int open_tun(void) {
  static const char path[] = "/dev/net/tun";
  int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) fail("tun-open", path);
  struct ifreq request;
  memset(&request, 0, sizeof request);
  strcpy(request.ifr_name, INTERFACE);
  request.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
  if (ioctl(fd, TUNSETIFF, &request) < 0) fail("tun-create", path);
  return fd;
}

// clone, not unshare: when /proc cannot be mounted we can still fork outside of the dead pid namespace.
static pid_t clone_isolated(int answer) {
  pid_t child = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
  if (child != 0) return child;
  int error = mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0 ? 0 : errno;
  if (write(answer, &error, sizeof error) != sizeof error || error != 0) _exit(1);
  close(answer);
  return 0;
}

pid_t fork_into_pid_namespace(bool *isolated) {
  int answer[2];
  if (pipe2(answer, O_CLOEXEC) < 0) fail("pid-namespace", "");
  *isolated = true;
  pid_t init = clone_isolated(answer[1]);
  if (init < 0) fail("pid-namespace", "");
  if (init == 0) return 0;
  close(answer[1]);

  int error = 0;
  ssize_t got = read(answer[0], &error, sizeof error);
  close(answer[0]);
  if (got == sizeof error && error == 0) return init;
  waitpid(init, NULL, 0);
  errno = got == sizeof error ? error : EIO;
  // EPERM: a container that covers parts of /proc forbids fresh ones; what we run still cannot read
  // processes outside, being in a lesser user namespace or without their capabilities
  if (errno != EPERM) fail("proc-mount", "/proc");
  warn("proc-mount", "/proc");
  *isolated = false;
  pid_t plain = fork();
  if (plain < 0) fail("fork", "");
  return plain;
}
