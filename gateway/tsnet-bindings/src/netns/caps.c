// Gives up every capability for good, for this process and all that it becomes.
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "netns.h"

void set_undumpable(void) {
  // not before the id maps are written: /proc/self would belong to root
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) fail("dumpable", "");
}

static void empty_bounding_set(void) {
  for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
    if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0) fail("capabilities", "bounding");
  }
}

static void switch_user(const struct config *config) {
  if (setgroups(0, NULL) < 0) fail("switch-user", "groups");
  if (setresgid(config->gid, config->gid, config->gid) < 0) fail("switch-user", "gid");
  if (setresuid(config->uid, config->uid, config->uid) < 0) fail("switch-user", "uid");
}

static void empty_sets(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];
  memset(none, 0, sizeof none);
  if (syscall(SYS_capset, &header, none) < 0) fail("capabilities", "sets");
}

void drop_privileges(const struct config *config) {
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0) fail("capabilities", "ambient");
  empty_bounding_set();
  // uid 0 must not regain capabilities by exec
  unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
  if (prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) < 0) fail("capabilities", "securebits");
  if (config->flags & FLAG_SWITCH_USER) switch_user(config);
  empty_sets();
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) fail("no-new-privs", "");
}
