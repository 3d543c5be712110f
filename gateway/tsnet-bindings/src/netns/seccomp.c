// Refuses the few system calls that lead around the TUN whatever the namespaces are.
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
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
#define COMPAT_IOCTL 54
// hides its arguments behind a pointer; modern 32-bit programs call socket itself
#define COMPAT_SOCKETCALL 102

// positions in the program below
enum { COMPAT = 8, FAMILY = 14, REQUEST = 19, ALLOW = 22, NO_FAMILY, NO_CALL, NO_RIGHT };

#define LOAD(at, field) [at] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define TEST(at, how, value, yes, no) [at] = BPF_JUMP(BPF_JMP | (how) | BPF_K, (value), (yes) - (at) - 1, (no) - (at) - 1)
#define IS(at, value, yes, no) TEST(at, BPF_JEQ, value, yes, no)
#define ANSWER(at, action) [at] = BPF_STMT(BPF_RET | BPF_K, (action))

void restrict_calls(void) {
  struct sock_filter program[] = {
      LOAD(0, arch),
      IS(1, NATIVE, 2, COMPAT),
      LOAD(2, nr),
      TEST(3, BPF_JGE, X32_CALLS, NO_CALL, 4),
      // makes sockets without the socket call; programs do without it
      IS(4, SYS_io_uring_setup, NO_CALL, 5),
      IS(5, SYS_socket, FAMILY, 6),
      IS(6, SYS_socketpair, FAMILY, 7),
      IS(7, SYS_ioctl, REQUEST, ALLOW),
      LOAD(COMPAT, nr),
      IS(9, COMPAT_SOCKETCALL, NO_CALL, 10),
      IS(10, SYS_io_uring_setup, NO_CALL, 11),
      IS(11, COMPAT_SOCKET, FAMILY, 12),
      IS(12, COMPAT_SOCKETPAIR, FAMILY, 13),
      IS(13, COMPAT_IOCTL, REQUEST, ALLOW),
      // vsock, bluetooth, qrtr and others are not part of a network namespace
      LOAD(FAMILY, args[0]),
      IS(15, AF_UNIX, ALLOW, 16),
      IS(16, AF_INET, ALLOW, 17),
      IS(17, AF_INET6, ALLOW, 18),
      IS(18, AF_NETLINK, ALLOW, NO_FAMILY),
      // typing into the terminal we share: the shell outside would run it
      LOAD(REQUEST, args[1]),
      IS(20, TIOCSTI, NO_RIGHT, 21),
      IS(21, TIOCLINUX, NO_RIGHT, ALLOW),
      ANSWER(ALLOW, SECCOMP_RET_ALLOW),
      ANSWER(NO_FAMILY, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
      ANSWER(NO_CALL, SECCOMP_RET_ERRNO | ENOSYS),
      ANSWER(NO_RIGHT, SECCOMP_RET_ERRNO | EPERM),
  };
  struct sock_fprog filter = {sizeof program / sizeof *program, program};
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &filter) < 0) fail("seccomp", "");
}
