// Frames between the helper and its parent: u32 length, little-endian, then the body.
// The configuration comes this way and never by argv or environment, which other processes can read.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "netns.h"

#define MAX_CONFIG (32u << 20)

static bool text_mode;

enum field {
  FIELD_FLAGS = 1,
  FIELD_ADDRESS4,
  FIELD_ADDRESS6,
  FIELD_MTU,
  FIELD_CWD,
  FIELD_UID,
  FIELD_GID,
  FIELD_ARG,
  FIELD_ENV,
  FIELD_FILE,
  FIELD_HIDE,
  FIELD_MASK,
};

static uint32_t read_u32(const char *at) {
  const unsigned char *bytes = (const unsigned char *)at;
  return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static void write_u32(char *at, uint32_t value) {
  for (int i = 0; i < 4; i++) at[i] = (char)(value >> (8 * i));
}

static void read_exactly(char *into, size_t size) {
  while (size > 0) {
    ssize_t got = read(CONTROL_FD, into, size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) _exit(1);  // the parent is gone: nobody is left to tell
    into += got;
    size -= (size_t)got;
  }
}

static void send_frame(const char *body, size_t size) {
  char frame[1024];
  if (size > sizeof frame - 4) size = sizeof frame - 4;
  write_u32(frame, (uint32_t)size);
  memcpy(frame + 4, body, size);
  size_t sent = 0;
  while (sent < size + 4) {
    ssize_t wrote = send(CONTROL_FD, frame + sent, size + 4 - sent, MSG_NOSIGNAL);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return;
    sent += (size_t)wrote;
  }
}

static void report(char kind, const char *stage, const char *path) {
  int error = errno;
  if (text_mode) {
    dprintf(STDOUT_FILENO, "%c %s %d %s\n", kind, stage, error, path);
    return;
  }
  char body[1020];
  body[0] = kind;
  write_u32(body + 1, (uint32_t)error);
  int size = snprintf(body + 5, sizeof body - 5, "%s%c%s", stage, 0, path);
  if (size > (int)sizeof body - 6) size = (int)sizeof body - 6;
  send_frame(body, 5 + (size_t)size);
}

void print_failures(void) { text_mode = true; }

void fail(const char *stage, const char *path) {
  report('E', stage, path);
  _exit(1);
}

void warn(const char *stage, const char *path) { report('W', stage, path); }

void report_ready(void) { send_frame("R", 1); }

void report_exit(int status) {
  char body[9] = {'X'};
  write_u32(body + 1, WIFEXITED(status) ? (uint32_t)WEXITSTATUS(status) : 0);
  write_u32(body + 5, WIFSIGNALED(status) ? (uint32_t)WTERMSIG(status) : 0);
  send_frame(body, sizeof body);
}

void send_tun(int fd) {
  char byte = 'T';
  struct iovec data = {&byte, 1};
  union {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int))];
  } space;
  memset(&space, 0, sizeof space);
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = space.bytes, .msg_controllen = sizeof space.bytes};
  struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(rights), &fd, sizeof fd);
  if (sendmsg(TUN_CHANNEL_FD, &message, MSG_NOSIGNAL) != 1) fail("tun-send", "");
}

bool await_go(void) {
  char byte;
  read_exactly(&byte, 1);
  return byte == 'G';
}

static void *grown(void *list, size_t count, size_t size) {
  // one spare slot: argv and env end with NULL
  void *more = realloc(list, (count + 2) * size);
  if (more == NULL) fail("memory", "");
  memset((char *)more + count * size, 0, 2 * size);
  return more;
}

static void push(char ***list, size_t *count, char *text) {
  *list = grown(*list, *count, sizeof(char *));
  (*list)[(*count)++] = text;
}

static _Noreturn void malformed(void) {
  errno = EBADMSG;
  fail("config", "");
}

// path NUL contents
static void push_file(struct config *config, char *value, size_t size) {
  size_t path = strlen(value) + 1;
  if (path > size) malformed();
  config->files = grown(config->files, config->file_count, sizeof *config->files);
  config->files[config->file_count++] = (struct replacement){value, value + path, size - path};
}

// dir NUL name NUL name NUL ...
static void push_hidden(struct config *config, char *value, size_t size) {
  struct hidden hidden = {.dir = value};
  for (size_t at = strlen(value) + 1; at < size; at += strlen(value + at) + 1) {
    push(&hidden.keep, &hidden.kept, value + at);
  }
  config->hidden = grown(config->hidden, config->hidden_count, sizeof hidden);
  config->hidden[config->hidden_count++] = hidden;
}

static uint32_t number(const char *value, uint32_t size) {
  if (size != 4) malformed();
  return read_u32(value);
}

static void take_field(struct config *config, enum field field, char *value, uint32_t size) {
  switch (field) {
    case FIELD_FLAGS: config->flags = number(value, size); return;
    case FIELD_ADDRESS4: config->address4 = value; return;
    case FIELD_ADDRESS6: config->address6 = value; return;
    case FIELD_MTU: config->mtu = number(value, size); return;
    case FIELD_CWD: config->cwd = value; return;
    case FIELD_UID: config->uid = number(value, size); return;
    case FIELD_GID: config->gid = number(value, size); return;
    case FIELD_ARG: push(&config->argv, &config->argc, value); return;
    case FIELD_ENV: push(&config->env, &config->envc, value); return;
    case FIELD_FILE: push_file(config, value, size); return;
    case FIELD_HIDE: push_hidden(config, value, size); return;
    case FIELD_MASK: push(&config->masks, &config->mask_count, value); return;
  }
  malformed();
}

// Each field is u8 name, u32 length, value, NUL: the NUL lets values be used in place as C strings.
void read_config(struct config *config) {
  char header[4];
  read_exactly(header, sizeof header);
  uint32_t size = read_u32(header);
  if (size > MAX_CONFIG) malformed();
  char *body = malloc(size + 1);
  if (body == NULL) fail("memory", "");
  read_exactly(body, size);

  memset(config, 0, sizeof *config);
  config->env = grown(NULL, 0, sizeof(char *));
  for (uint32_t at = 0; at < size;) {
    if (size - at < 6) malformed();
    uint32_t length = read_u32(body + at + 1);
    if (length > size - at - 6 || body[at + 5 + length] != 0) malformed();
    take_field(config, (enum field)body[at], body + at + 5, length);
    at += 6 + length;
  }
  bool complete = config->address4 != NULL && config->mtu != 0 && config->cwd != NULL && config->argc > 0;
  if (!complete) malformed();
}
