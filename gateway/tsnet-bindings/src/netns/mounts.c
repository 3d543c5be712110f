// What the command sees of the file system: replaced DNS files, hidden directories, masked sockets.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netns.h"

#define LOCKED (MS_NOSUID | MS_NODEV | MS_NOEXEC)
#define MAX_KEPT (4u << 20)

void make_mounts_private(void) {
  // shared propagation would put our resolv.conf over the host's
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) fail("mount-private", "/");
}

static bool is_absent(const char *path, struct stat *found) {
  if (stat(path, found) == 0) return false;
  // EACCES: then the command, which has no more rights than we do, cannot reach it either;
  // any other error could mean a socket that we fail to see and the command would not
  if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) fail("mount-find", path);
  return true;
}

static bool is_below(const char *path, const char *dir) {
  size_t size = strlen(dir);
  return strncmp(path, dir, size) == 0 && (path[size] == '/' || path[size] == 0);
}

static bool covers_target(const struct config *config, const char *dir) {
  char real[PATH_MAX];
  for (size_t i = 0; i < config->file_count; i++) {
    if (realpath(config->files[i].path, real) != NULL && is_below(real, dir)) return true;
  }
  for (size_t i = 0; i < config->mask_count; i++) {
    if (realpath(config->masks[i], real) != NULL && is_below(real, dir)) return true;
  }
  return false;
}

// A directory to cover for a moment while files to bind are written; no host file is ever written.
static const char *mount_staging(const struct config *config) {
  static const char *const candidates[] = {"/sys", "/mnt", "/media", "/srv", "/opt", "/home", "/var", "/tmp", "/run"};
  for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++) {
    const char *dir = candidates[i];
    struct stat found;
    if (is_absent(dir, &found) || !S_ISDIR(found.st_mode) || covers_target(config, dir)) continue;
    if (mount("tmpfs", dir, "tmpfs", LOCKED, "size=8m,mode=0755") < 0) fail("mount-staging", dir);
    return dir;
  }
  errno = ENOENT;
  fail("mount-staging", "");
}

static void write_contents(const char *path, const char *contents, size_t size) {
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0444);
  if (fd < 0) fail("mount-write", path);
  for (size_t done = 0; done < size;) {
    ssize_t wrote = write(fd, contents + done, size - done);
    if (wrote <= 0) fail("mount-write", path);
    done += (size_t)wrote;
  }
  if (fchmod(fd, 0444) < 0) fail("mount-write", path);
  close(fd);
}

static void bind_file(const char *source, const char *target) {
  if (mount(source, target, NULL, MS_BIND, NULL) < 0) fail("mount-bind", target);
  if (mount(NULL, target, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | LOCKED, NULL) < 0) fail("mount-bind", target);
}

static void replace_files(const struct config *config, const char *staging) {
  for (size_t i = 0; i < config->file_count; i++) {
    const struct replacement *file = &config->files[i];
    char source[PATH_MAX];
    snprintf(source, sizeof source, "%s/%zu", staging, i);
    write_contents(source, file->contents, file->size);
    bind_file(source, file->path);
  }
}

static void cover_dir(const char *dir, const char *options) {
  if (mount("tmpfs", dir, "tmpfs", LOCKED | MS_RDONLY, options) < 0) fail("mount-hide", dir);
}

static void mask_paths(const struct config *config, const char *staging) {
  char empty[PATH_MAX];
  snprintf(empty, sizeof empty, "%s/empty", staging);
  write_contents(empty, "", 0);
  for (size_t i = 0; i < config->mask_count; i++) {
    struct stat found;
    const char *path = config->masks[i];
    if (is_absent(path, &found)) continue;
    if (S_ISDIR(found.st_mode)) cover_dir(path, "size=4k,mode=0555");
    else bind_file(empty, path);
  }
}

struct kept {
  char *contents;
  size_t size;
};

// Absent files stay absent; the caller's list says what may be kept, not what must exist.
static struct kept read_kept(int dir, const char *name) {
  struct kept kept = {NULL, 0};
  int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    if (errno == ENOENT) return kept;
    fail("hide-keep", name);
  }
  struct stat found;
  errno = EFBIG;
  if (fstat(fd, &found) < 0 || !S_ISREG(found.st_mode) || found.st_size > MAX_KEPT) fail("hide-keep", name);
  kept.contents = malloc((size_t)found.st_size + 1);
  if (kept.contents == NULL) fail("memory", "");
  while (kept.size < (size_t)found.st_size) {
    ssize_t got = read(fd, kept.contents + kept.size, (size_t)found.st_size - kept.size);
    if (got < 0) fail("hide-keep", name);
    if (got == 0) break;
    kept.size += (size_t)got;
  }
  close(fd);
  return kept;
}

static void hide_dir(const struct hidden *hidden) {
  struct stat found;
  if (is_absent(hidden->dir, &found)) return;
  int dir = open(hidden->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir < 0 && hidden->kept > 0) fail("mount-hide", hidden->dir);
  struct kept *kept = calloc(hidden->kept + 1, sizeof *kept);
  if (kept == NULL) fail("memory", "");
  for (size_t i = 0; i < hidden->kept; i++) {
    // a plain name only: "../x" would be written outside of the tmpfs
    errno = EINVAL;
    if (strchr(hidden->keep[i], '/') != NULL) fail("hide-keep", hidden->keep[i]);
    kept[i] = read_kept(dir, hidden->keep[i]);
  }
  if (dir >= 0) close(dir);

  static const char options[] = "size=8m,mode=0555";
  if (mount("tmpfs", hidden->dir, "tmpfs", LOCKED, options) < 0) fail("mount-hide", hidden->dir);
  for (size_t i = 0; i < hidden->kept; i++) {
    if (kept[i].contents == NULL) continue;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", hidden->dir, hidden->keep[i]);
    write_contents(path, kept[i].contents, kept[i].size);
    free(kept[i].contents);
  }
  free(kept);
  if (mount(NULL, hidden->dir, NULL, MS_REMOUNT | MS_RDONLY | LOCKED, options) < 0) fail("mount-hide", hidden->dir);
}

void lock_down_mounts(const struct config *config, bool fresh_proc) {
  const char *staging = mount_staging(config);
  replace_files(config, staging);
  mask_paths(config, staging);
  if (umount2(staging, MNT_DETACH) < 0) fail("mount-staging", staging);
  for (size_t i = 0; i < config->hidden_count; i++) hide_dir(&config->hidden[i]);
  if (fresh_proc && !(config->flags & FLAG_USER_NAMESPACE)) lock_down_root();
}
