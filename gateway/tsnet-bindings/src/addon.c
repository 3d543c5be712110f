// The N-API face of the Go archive: passes calls in and events out, nothing more.
#include <node_api.h>
#include <stdlib.h>
#include <string.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "libclaw.h"
#include "signals.h"
#include "threads.h"

// One event on its way from a Go thread to the JavaScript thread.
typedef struct {
  int kind;
  uint64_t id;
  int64_t a, b;
  char *text;
  size_t text_length;
  void *data;
  size_t data_length;
} event;

// One call on its way from the JavaScript thread to Go. The thread never enters Go for it: it would have to wait
// there for a processor while packets are being moved.
typedef struct claw_call {
  int op;
  uint64_t request, id;
  int64_t a, b;
  char *text;
  size_t text_length;
  void *data;
  size_t data_length;
  struct claw_call *next;
} claw_call;

static pthread_mutex_t calls_lock = PTHREAD_MUTEX_INITIALIZER;
static claw_call *first_call, *last_call;
static int wake_fd = -1;

static napi_threadsafe_function events;
static napi_env owner;
static int references;

static void release(event *one) {
  free(one->text);
  free(one->data);
  free(one);
}

static void *copy_of(const void *bytes, size_t length) {
  if (length == 0) return NULL;
  void *copy = malloc(length);
  if (copy != NULL) memcpy(copy, bytes, length);
  return copy;
}

// Called by Go on any of its threads. An event that cannot be delivered is dropped; Go's deadlines then end its flow.
static void emit(int kind, uint64_t id, int64_t a, int64_t b, const char *text, size_t text_length, const void *data,
                 size_t data_length) {
  event *one = calloc(1, sizeof *one);
  if (one == NULL) return;
  *one = (event){kind, id, a, b, copy_of(text, text_length), text_length, copy_of(data, data_length), data_length};
  if (napi_call_threadsafe_function(events, one, napi_tsfn_nonblocking) != napi_ok) release(one);
}

static napi_value number(napi_env env, double value) {
  napi_value result;
  napi_create_double(env, value, &result);
  return result;
}

static void deliver(napi_env env, napi_value callback, void *context, void *payload) {
  (void)context;
  event *one = payload;
  if (env == NULL) {
    release(one);
    return;
  }
  napi_value arguments[6], receiver;
  napi_get_undefined(env, &receiver);
  arguments[0] = number(env, one->kind);
  arguments[1] = number(env, (double)one->id);
  arguments[2] = number(env, (double)one->a);
  arguments[3] = number(env, (double)one->b);
  napi_create_string_utf8(env, one->text == NULL ? "" : one->text, one->text_length, &arguments[4]);
  if (one->data == NULL) {
    napi_get_null(env, &arguments[5]);
  } else {
    napi_create_buffer_copy(env, one->data_length, one->data, NULL, &arguments[5]);
  }
  release(one);
  napi_call_function(env, receiver, callback, 6, arguments, NULL);
}

static napi_value refuse(napi_env env, const char *code, const char *message) {
  napi_throw_error(env, code, message);
  return NULL;
}

static void detach(void *context) {
  (void)context;
  ClawDetach();
  napi_release_threadsafe_function(events, napi_tsfn_abort);
  owner = NULL;
}

// Takes the oldest call from the queue; NULL when there is none. Called by Go, which frees it.
static void *next_call(void) {
  pthread_mutex_lock(&calls_lock);
  claw_call *call = first_call;
  if (call != NULL) first_call = call->next;
  if (first_call == NULL) last_call = NULL;
  pthread_mutex_unlock(&calls_lock);
  return call;
}

static void free_call(void *pointer) {
  claw_call *call = pointer;
  // it may hold a private key
  if (call->text != NULL) explicit_bzero(call->text, call->text_length);
  free(call->text);
  free(call->data);
  free(call);
}

static void queue_call(claw_call *call) {
  pthread_mutex_lock(&calls_lock);
  int was_empty = first_call == NULL;
  if (was_empty) first_call = call;
  else last_call->next = call;
  last_call = call;
  pthread_mutex_unlock(&calls_lock);
  static const uint64_t one = 1;
  // an eventfd that nobody has read is full only after 2^64 wake-ups
  if (was_empty && write(wake_fd, &one, sizeof one) < 0) return;
}

// attach(callback): the first environment to call it owns the binding until it ends.
static napi_value attach_js(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value callback, name;
  napi_get_cb_info(env, info, &count, &callback, NULL, NULL);
  if (owner != NULL) return refuse(env, "EBUSY", "tsnet-bindings is in use by another thread");
  napi_create_string_utf8(env, "tsnet-bindings", NAPI_AUTO_LENGTH, &name);
  if (napi_create_threadsafe_function(env, callback, NULL, name, 0, 1, NULL, NULL, NULL, deliver, &events) != napi_ok)
    return refuse(env, "EINVAL", "attach needs a function");
  napi_unref_threadsafe_function(env, events);
  owner = env;
  references = 0;
  napi_add_env_cleanup_hook(env, detach, NULL);
  wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd < 0) return refuse(env, "EMFILE", "no descriptor is left");
  ClawAttach((void *)emit, (void *)next_call, (void *)free_call, wake_fd);
  return NULL;
}

static double number_of(napi_env env, napi_value value) {
  double result = 0;
  napi_get_value_double(env, value, &result);
  return result;
}

// call(op, request, id, a, b, text, data | null)
static napi_value call_js(napi_env env, napi_callback_info info) {
  size_t count = 7, text_length = 0, data_length = 0;
  napi_value arguments[7];
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  if (count != 7 || owner != env) return refuse(env, "EINVAL", "call needs seven arguments and the owning thread");
  if (napi_get_value_string_utf8(env, arguments[5], NULL, 0, &text_length) != napi_ok)
    return refuse(env, "EINVAL", "text is not a string");
  void *data = NULL;
  bool is_buffer = false;
  napi_is_buffer(env, arguments[6], &is_buffer);
  if (is_buffer) napi_get_buffer_info(env, arguments[6], &data, &data_length);
  claw_call *call = calloc(1, sizeof *call);
  char *text = malloc(text_length + 1);
  if (call == NULL || text == NULL) {
    free(call);
    free(text);
    return refuse(env, "ENOMEM", "out of memory");
  }
  napi_get_value_string_utf8(env, arguments[5], text, text_length + 1, &text_length);
  *call = (claw_call){.op = (int)number_of(env, arguments[0]),
                      .request = (uint64_t)number_of(env, arguments[1]),
                      .id = (uint64_t)number_of(env, arguments[2]),
                      .a = (int64_t)number_of(env, arguments[3]),
                      .b = (int64_t)number_of(env, arguments[4]),
                      .text = text,
                      .text_length = text_length,
                      .data = copy_of(data, data_length),
                      .data_length = data_length};
  queue_call(call);
  return NULL;
}

// read(op, id, text): string
static napi_value read_js(napi_env env, napi_callback_info info) {
  size_t count = 3, length = 0;
  napi_value arguments[3], result;
  char question[256];
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  if (count != 3 || napi_get_value_string_utf8(env, arguments[2], question, sizeof question, &length) != napi_ok)
    return refuse(env, "EINVAL", "read needs an operation, an id and a text");
  char *text = ClawRead((int)number_of(env, arguments[0]), (uint64_t)number_of(env, arguments[1]), question);
  napi_create_string_utf8(env, text == NULL ? "" : text, NAPI_AUTO_LENGTH, &result);
  free(text);
  return result;
}

// keep(true) and keep(false) count what must keep the process alive.
static napi_value keep_js(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  bool more = false;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  if (owner != env) return NULL;
  napi_get_value_bool(env, argument, &more);
  if (more && references++ == 0) napi_ref_threadsafe_function(env, events);
  if (!more && references > 0 && --references == 0) napi_unref_threadsafe_function(env, events);
  return NULL;
}

static napi_value on_stack_js(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, signals_on_alternate_stack());
}

// undumpable(): no core dump of this process, and no other process of its user may read its memory.
static napi_value undumpable_js(napi_env env, napi_callback_info info) {
  (void)info;
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return refuse(env, "EPERM", "prctl failed");
  return NULL;
}

NAPI_MODULE_INIT() {
  signals_restore();
  threads_restore();
  static const struct {
    const char *name;
    napi_callback fn;
  } exported[] = {{"attach", attach_js}, {"call", call_js}, {"read", read_js}, {"keep", keep_js}, {"onStack", on_stack_js}, {"undumpable", undumpable_js}};
  for (size_t i = 0; i < sizeof exported / sizeof exported[0]; i++) {
    napi_value fn;
    napi_create_function(env, exported[i].name, NAPI_AUTO_LENGTH, exported[i].fn, NULL, &fn);
    napi_set_named_property(env, exports, exported[i].name, fn);
  }
  return exports;
}
