/*
 * Loaded before libc: stands between a process (Node and RocksDB alike) and the kernel, counts what it does to the files
 * below one folder, and does something bad at one of those calls.
 *
 *   FAULT_UNDER   only files below this folder count, but for RocksDB's diary, LOG; sync_file_range, a hint, never counts
 *   FAULT_OPS     which calls count, of: write sync rename truncate unlink create read (all but read)
 *   FAULT_AT      the call that is hit, from 1, over all threads; 0 only counts
 *   FAULT_DO      kill-before | kill-after | torn (a part is written, then kill) | short (a part is written)
 *                 error:ERRNO (it fails, nothing is done) | delay:MS (before the call)
 *   FAULT_EVER    1: every later call of these kinds is hit too
 *   FAULT_FILE    a file of two 64-bit numbers, mapped: how many calls counted, how many were hit; then the path of the last
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { WRITE = 1, SYNC = 2, RENAME = 4, TRUNCATE = 8, UNLINK = 16, CREATE = 32, READ = 64 };
enum { NOTHING, KILL_BEFORE, KILL_AFTER, TORN, SHORT, ERROR, DELAY };

static char under[PATH_MAX];
static size_t under_length;
static int wanted, action, ever, code;
static uint64_t at;
static struct { uint64_t counted, hit; char path[PATH_MAX]; } nowhere, *tally = &nowhere;

static int kinds_of(const char *text) {
  static const struct { const char *name; int kind; } NAMES[] = {
    {"write", WRITE}, {"sync", SYNC}, {"rename", RENAME}, {"truncate", TRUNCATE},
    {"unlink", UNLINK}, {"create", CREATE}, {"read", READ},
  };
  int kinds = 0;
  for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
    if (strstr(text, NAMES[i].name) != NULL) kinds |= NAMES[i].kind;
  return kinds;
}

static int action_of(const char *text) {
  if (strcmp(text, "kill-before") == 0) return KILL_BEFORE;
  if (strcmp(text, "kill-after") == 0) return KILL_AFTER;
  if (strcmp(text, "torn") == 0) return TORN;
  if (strcmp(text, "short") == 0) return SHORT;
  if (strncmp(text, "error:", 6) == 0) return code = atoi(text + 6), ERROR;
  if (strncmp(text, "delay:", 6) == 0) return code = atoi(text + 6), DELAY;
  return NOTHING;
}

__attribute__((constructor)) static void begin(void) {
  const char *text = getenv("FAULT_UNDER");
  if (text == NULL || realpath(text, under) == NULL) return;
  under_length = strlen(under);
  text = getenv("FAULT_OPS");
  wanted = text == NULL ? WRITE | SYNC | RENAME | TRUNCATE | UNLINK | CREATE : kinds_of(text);
  text = getenv("FAULT_DO");
  action = text == NULL ? NOTHING : action_of(text);
  text = getenv("FAULT_AT");
  at = text == NULL ? 0 : strtoull(text, NULL, 10);
  text = getenv("FAULT_EVER");
  ever = text != NULL && *text == '1';
  text = getenv("FAULT_FILE");
  if (text == NULL) return;
  int fd = (int)syscall(SYS_openat, AT_FDCWD, text, O_RDWR | O_CREAT, 0600);
  if (fd < 0) return;
  if (syscall(SYS_ftruncate, fd, sizeof *tally) == 0) {
    void *mapped = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped != MAP_FAILED) tally = mapped;
  }
  syscall(SYS_close, fd);
}

/* The path of the call at hand, for the tally. */
static __thread char current[PATH_MAX];

static int is_below(const char *path) {
  size_t length = strlen(path);
  if (length >= 4 && strcmp(path + length - 4, "/LOG") == 0) return 0;
  snprintf(current, sizeof current, "%s", path);
  return strncmp(path, under, under_length) == 0 && (path[under_length] == '/' || path[under_length] == '\0');
}

static int fd_counts(int kind, int fd) {
  if ((wanted & kind) == 0 || under_length == 0) return 0;
  char name[32], path[PATH_MAX];
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(name, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = '\0';
  return is_below(path);
}

static int path_counts(int kind, const char *path) {
  if ((wanted & kind) == 0 || under_length == 0) return 0;
  if (path[0] == '/') return is_below(path);
  char whole[PATH_MAX * 2];
  if (getcwd(whole, PATH_MAX) == NULL) return 0;
  size_t length = strlen(whole);
  snprintf(whole + length, sizeof whole - length, "/%s", path);
  return is_below(whole);
}

static void die(void) {
  syscall(SYS_kill, (pid_t)syscall(SYS_getpid), SIGKILL);
  for (;;) pause();
}

/* What is to be done about a call that counts. */
static int hit(void) {
  uint64_t number = __atomic_add_fetch(&tally->counted, 1, __ATOMIC_SEQ_CST);
  if (at == 0 || action == NOTHING || (ever ? number < at : number != at)) return NOTHING;
  __atomic_add_fetch(&tally->hit, 1, __ATOMIC_SEQ_CST);
  memcpy(tally->path, current, sizeof current);
  if (action == KILL_BEFORE) die();
  if (action == DELAY) {
    struct timespec wait = {code / 1000, (code % 1000) * 1000000L}, left;
    while (syscall(SYS_nanosleep, &wait, &left) != 0) wait = left;
    return NOTHING;
  }
  return action;
}

#define REAL(name) ((typeof(&name))real(#name))
static void *real(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (found == NULL) die();
  return found;
}

/* A call that is done or not: TORN and SHORT mean nothing to it, so they become a kill after it and nothing. */
#define WHOLE(counts, call)                                  \
  do {                                                       \
    int what = (counts) ? hit() : NOTHING;                   \
    if (what == ERROR) return errno = code, -1;              \
    typeof(call) result = call;                              \
    if (what == KILL_AFTER || what == TORN) die();           \
    return result;                                           \
  } while (0)

/* A call that moves bytes: `part` does it for a part of them. */
#define BYTES(counts, call, part)                            \
  do {                                                       \
    int what = (counts) ? hit() : NOTHING;                   \
    if (what == ERROR) return errno = code, -1;              \
    ssize_t result = what == TORN || what == SHORT ? part : call; \
    if (what == KILL_AFTER || what == TORN) die();           \
    return result;                                           \
  } while (0)

static size_t some(size_t count) { return count <= 1 ? count : count / 2; }

ssize_t write(int fd, const void *bytes, size_t count) {
  BYTES(fd_counts(WRITE, fd), REAL(write)(fd, bytes, count), REAL(write)(fd, bytes, some(count)));
}
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t to) {
  BYTES(fd_counts(WRITE, fd), REAL(pwrite)(fd, bytes, count, to), REAL(pwrite)(fd, bytes, some(count), to));
}
ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t to) {
  BYTES(fd_counts(WRITE, fd), REAL(pwrite64)(fd, bytes, count, to), REAL(pwrite64)(fd, bytes, some(count), to));
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
  BYTES(fd_counts(WRITE, fd), REAL(writev)(fd, parts, count),
        REAL(write)(fd, parts[0].iov_base, some(parts[0].iov_len)));
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t to) {
  BYTES(fd_counts(WRITE, fd), REAL(pwritev)(fd, parts, count, to),
        REAL(pwrite)(fd, parts[0].iov_base, some(parts[0].iov_len), to));
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t to) {
  BYTES(fd_counts(WRITE, fd), REAL(pwritev64)(fd, parts, count, to),
        REAL(pwrite64)(fd, parts[0].iov_base, some(parts[0].iov_len), to));
}
ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t count, unsigned flags) {
  BYTES(fd_counts(WRITE, out), REAL(copy_file_range)(in, from, out, to, count, flags),
        REAL(copy_file_range)(in, from, out, to, some(count), flags));
}
ssize_t sendfile(int out, int in, off_t *from, size_t count);
ssize_t sendfile(int out, int in, off_t *from, size_t count) {
  BYTES(fd_counts(WRITE, out), REAL(sendfile)(out, in, from, count), REAL(sendfile)(out, in, from, some(count)));
}
ssize_t read(int fd, void *bytes, size_t count) {
  BYTES(fd_counts(READ, fd), REAL(read)(fd, bytes, count), REAL(read)(fd, bytes, some(count)));
}
ssize_t pread(int fd, void *bytes, size_t count, off_t from) {
  BYTES(fd_counts(READ, fd), REAL(pread)(fd, bytes, count, from), REAL(pread)(fd, bytes, some(count), from));
}
ssize_t pread64(int fd, void *bytes, size_t count, off64_t from) {
  BYTES(fd_counts(READ, fd), REAL(pread64)(fd, bytes, count, from), REAL(pread64)(fd, bytes, some(count), from));
}
ssize_t preadv64(int fd, const struct iovec *parts, int count, off64_t from) {
  BYTES(fd_counts(READ, fd), REAL(preadv64)(fd, parts, count, from),
        REAL(pread64)(fd, parts[0].iov_base, some(parts[0].iov_len), from));
}

int fsync(int fd) { WHOLE(fd_counts(SYNC, fd), REAL(fsync)(fd)); }
int fdatasync(int fd) { WHOLE(fd_counts(SYNC, fd), REAL(fdatasync)(fd)); }
int ftruncate(int fd, off_t size) { WHOLE(fd_counts(TRUNCATE, fd), REAL(ftruncate)(fd, size)); }
int ftruncate64(int fd, off64_t size) { WHOLE(fd_counts(TRUNCATE, fd), REAL(ftruncate64)(fd, size)); }
int fallocate(int fd, int mode, off_t from, off_t size) {
  WHOLE(fd_counts(TRUNCATE, fd), REAL(fallocate)(fd, mode, from, size));
}
int rename(const char *from, const char *to) { WHOLE(path_counts(RENAME, to), REAL(rename)(from, to)); }
int link(const char *from, const char *to) { WHOLE(path_counts(RENAME, to), REAL(link)(from, to)); }
int unlink(const char *path) { WHOLE(path_counts(UNLINK, path), REAL(unlink)(path)); }
int rmdir(const char *path) { WHOLE(path_counts(UNLINK, path), REAL(rmdir)(path)); }
int mkdir(const char *path, mode_t mode) { WHOLE(path_counts(CREATE, path), REAL(mkdir)(path, mode)); }

#define OPENS(name, ...)                                                                 \
  do {                                                                                   \
    va_list list;                                                                        \
    va_start(list, flags);                                                               \
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(list, mode_t) : 0;       \
    va_end(list);                                                                        \
    WHOLE((flags & O_CREAT) != 0 && path_counts(CREATE, path), REAL(name)(__VA_ARGS__)); \
  } while (0)
int open(const char *path, int flags, ...) { OPENS(open, path, flags, mode); }
int open64(const char *path, int flags, ...) { OPENS(open64, path, flags, mode); }
int openat(int folder, const char *path, int flags, ...) { OPENS(openat, folder, path, flags, mode); }
int openat64(int folder, const char *path, int flags, ...) { OPENS(openat64, folder, path, flags, mode); }
