// The capture helper: enters fresh namespaces, hands the TUN to its parent, locks the view down, becomes the command.
#ifndef CLAWPATROL_NETNS_H
#define CLAWPATROL_NETNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

// Both are sockets the parent opened before it spawned us.
#define CONTROL_FD 3
#define TUN_CHANNEL_FD 4
#define INTERFACE "clawpatrol0"

enum {
  FLAG_USER_NAMESPACE = 1,  // map our own uid only; without it we must be root
  FLAG_SWITCH_USER = 2,     // end as config.uid and config.gid
  FLAG_WAIT_ALL = 4,        // wait for background children as well
};

// A file whose contents replace what is at path, read-only.
struct replacement {
  const char *path;
  const char *contents;
  size_t size;
};

// A directory covered by an empty read-only tmpfs in which only the named files stay.
struct hidden {
  const char *dir;
  char **keep;
  size_t kept;
};

struct config {
  uint32_t flags;
  const char *address4;
  const char *address6;  // NULL: no IPv6 inside
  uint32_t mtu;
  const char *cwd;
  uid_t uid;
  gid_t gid;
  char **argv;
  size_t argc;
  char **env;
  size_t envc;
  struct replacement *files;
  size_t file_count;
  struct hidden *hidden;
  size_t hidden_count;
  char **masks;
  size_t mask_count;
};

// message.c
void read_config(struct config *config);
_Noreturn void fail(const char *stage, const char *path);  // reports errno, then exits 1
void warn(const char *stage, const char *path);
void report_ready(void);
void report_exit(int status);
void send_tun(int fd);
bool await_go(void);
void print_failures(void);  // probe mode: failures go to stdout as text

// namespaces.c
void enter_namespaces(struct config *config);
int open_tun(void);
pid_t fork_into_pid_namespace(bool *isolated);

// netlink.c
void configure_network(const struct config *config);

// mounts.c
void make_mounts_private(void);
void lock_down_mounts(const struct config *config, bool fresh_proc);

// caps.c
void set_undumpable(void);
void drop_privileges(const struct config *config);

// rootview.c
void lock_down_root(void);

// seccomp.c
void restrict_calls(void);  // needs no-new-privs

// init.c
_Noreturn void run_init(const struct config *config, bool isolated, const struct rlimit *core);
int wait_for_init(pid_t init);

// probe.c
int probe(void);

#endif
