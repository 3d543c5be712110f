// What uid 0 owns and could use even without capabilities: kernel settings and raw disks.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "netns.h"

#define REMOUNT_READ_ONLY (MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)

// by number: the headers of older systems lack them, their kernels may not
#define CALL_MOUNT_SETATTR 442
#define WITH_ALL_BELOW 0x8000

static void freeze_path(const char *path) {
  struct stat found;
  if (stat(path, &found) < 0) {
    if (errno == ENOENT) return;
    fail("mount-freeze", path);
  }
  if (mount(path, path, NULL, MS_BIND, NULL) < 0) fail("mount-freeze", path);
  if (mount(NULL, path, NULL, REMOUNT_READ_ONLY, NULL) < 0) fail("mount-freeze", path);
}

// With all that is mounted in it: cgroup's release_agent runs programs outside, as uevent_helper does.
static void freeze_sys(void) {
  struct {
    uint64_t set, clear, propagation, user_namespace;
  } change = {.set = 1 /* read-only */};
  if (syscall(CALL_MOUNT_SETATTR, AT_FDCWD, "/sys", WITH_ALL_BELOW, &change, sizeof change) == 0) return;
  // kernels before 5.12: a bind mount leaves what is mounted in it out
  if (errno == ENOSYS) return freeze_path("/sys");
  // EINVAL: /sys is no mount point here, so there are no kernel settings in it
  if (errno != EINVAL && errno != ENOENT) fail("mount-freeze", "/sys");
}

static bool is_raw_disk(const char *name, const struct stat *found) {
  if (S_ISBLK(found->st_mode)) return true;
  if (!S_ISCHR(found->st_mode)) return false;
  // SCSI and NVMe pass-through; their numbers are given out at boot, but for sg
  return major(found->st_rdev) == 21 || strncmp(name, "nvme", 4) == 0 || strncmp(name, "ng", 2) == 0;
}

static int hide_raw_disk(const char *path, const struct stat *found, int kind, struct FTW *place) {
  if (kind != FTW_F) return 0;
  bool is_raw = is_raw_disk(path + place->base, found) || strstr(path, "/bsg/") != NULL;
  if (is_raw && mount("/dev/null", path, NULL, MS_BIND, NULL) < 0) fail("mount-hide", path);
  return 0;
}

void lock_down_root(void) {
  static const char *const settings[] = {"/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus"};
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) freeze_path(settings[i]);
  freeze_sys();
  if (nftw("/dev", hide_raw_disk, 16, FTW_PHYS) < 0) fail("mount-hide", "/dev");
}
