// Socket families that a network namespace does not contain (vsock, bluetooth, qrtr ...) would lead around the TUN.
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "netns.h"

// COMPAT: the 32-bit calls that the same kernel takes
#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#define X32_CALLS 0x40000000u
#define COMPAT_SOCKET 359
#define COMPAT_SOCKETPAIR 360
#elif defined(__aarch64__)
#define NATIVE AUDIT_ARCH_AARCH64
#define X32_CALLS 0xffffffffu
#define COMPAT_SOCKET 281
#define COMPAT_SOCKETPAIR 288
#else
#error "capture supports x86-64 and arm64"
#endif

// hides its arguments behind a pointer; modern 32-bit programs call socket itself
#define COMPAT_SOCKETCALL 102

enum { COMPAT = 7, FAMILY = 12, ALLOW = 17, NO_FAMILY, NO_CALL };

#define LOAD(at, field) [at] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define TEST(at, how, value, yes, no) [at] = BPF_JUMP(BPF_JMP | (how) | BPF_K, (value), (yes) - (at) - 1, (no) - (at) - 1)
#define IS(at, value, yes, no) TEST(at, BPF_JEQ, value, yes, no)
#define ANSWER(at, action) [at] = BPF_STMT(BPF_RET | BPF_K, (action))

void restrict_families(void) {
  // io_uring makes sockets without the socket call; programs do without it
  struct sock_filter program[] = {
      LOAD(0, arch),
      IS(1, NATIVE, 2, COMPAT),
      LOAD(2, nr),
      TEST(3, BPF_JGE, X32_CALLS, NO_CALL, 4),
      IS(4, SYS_io_uring_setup, NO_CALL, 5),
      IS(5, SYS_socket, FAMILY, 6),
      IS(6, SYS_socketpair, FAMILY, ALLOW),
      LOAD(COMPAT, nr),
      IS(8, COMPAT_SOCKETCALL, NO_CALL, 9),
      IS(9, SYS_io_uring_setup, NO_CALL, 10),
      IS(10, COMPAT_SOCKET, FAMILY, 11),
      IS(11, COMPAT_SOCKETPAIR, FAMILY, ALLOW),
      LOAD(FAMILY, args[0]),
      IS(13, AF_UNIX, ALLOW, 14),
      IS(14, AF_INET, ALLOW, 15),
      IS(15, AF_INET6, ALLOW, 16),
      IS(16, AF_NETLINK, ALLOW, NO_FAMILY),
      ANSWER(ALLOW, SECCOMP_RET_ALLOW),
      ANSWER(NO_FAMILY, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
      ANSWER(NO_CALL, SECCOMP_RET_ERRNO | ENOSYS),
  };
  struct sock_fprog filter = {sizeof program / sizeof *program, program};
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &filter) < 0) fail("seccomp", "");
}
