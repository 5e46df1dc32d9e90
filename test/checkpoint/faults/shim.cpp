// Preloaded into a process: lets one call to the file system, or every one from it on, fail below a folder, and allocations while a native
// writer has a file of it open. The control file holds five int32: the call to fail (0: none; -n: one in n, by chance), errno, whether later ones fail as well,
// calls seen, calls failed.

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>

extern "C" void* __libc_malloc(size_t size);

namespace {

struct Control {
  std::atomic<int> at, error, keep, seen, failed;
};
Control* control = nullptr;
char under[4096];
thread_local bool native_file_open = false;

__attribute__((constructor)) void start() {
  const char* path = getenv("FAULT_CONTROL");
  const char* folder = getenv("FAULT_UNDER");
  if (!path || !folder) return;
  strncpy(under, folder, sizeof under - 1);
  const int file = open(path, O_RDWR | O_CLOEXEC);
  srand(unsigned(getpid()));
  void* shared = mmap(nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (shared != MAP_FAILED) control = static_cast<Control*>(shared);
}

bool below(const char* path) { return path && strncmp(path, under, strlen(under)) == 0; }
bool below(int file) {
  char name[64], path[4096];
  snprintf(name, sizeof name, "/proc/self/fd/%d", file);
  const auto length = readlink(name, path, sizeof path - 1);
  if (length < 0) return false;
  path[length] = 0;
  return below(path);
}

// Whether this call is to fail; errno is set then.
bool fails(bool ours, bool allocation = false) {
  if (!control || control->at == 0 || !ours) return false;
  if (allocation != (control->error == ENOMEM)) return false;
  const int now = ++control->seen, at = control->at;
  if (at < 0 ? rand() % -at != 0 : now != at && !(control->keep && now > at)) return false;
  ++control->failed;
  errno = control->error;
  return true;
}

template <typename F>
F next(const char* name) {
  return reinterpret_cast<F>(dlsym(RTLD_NEXT, name));
}

constexpr int writing = O_WRONLY | O_RDWR | O_CREAT;

int open_with(const char* name, const char* path, int flags, mode_t mode) {
  if ((flags & writing || (control && control->error == EMFILE)) && fails(below(path))) return -1;
  return next<int (*)(const char*, int, ...)>(name)(path, flags, mode);
}

}  // namespace

#define OPEN(name)                                         \
  extern "C" int name(const char* path, int flags, ...) {  \
    va_list list;                                          \
    va_start(list, flags);                                 \
    const auto mode = va_arg(list, mode_t);                \
    va_end(list);                                          \
    return open_with(#name, path, flags, mode);            \
  }
OPEN(open)
OPEN(open64)

#define CALL(result, name, parameters, ours, arguments, failure)                  \
  extern "C" result name parameters {                                             \
    static const auto real = next<result(*) parameters>(#name);                   \
    return fails(ours) ? failure : real arguments;                                \
  }
CALL(ssize_t, write, (int f, const void* b, size_t n), below(f), (f, b, n), -1)
CALL(ssize_t, pwrite, (int f, const void* b, size_t n, off_t at), below(f), (f, b, n, at), -1)
CALL(ssize_t, pwrite64, (int f, const void* b, size_t n, off64_t at), below(f), (f, b, n, at), -1)
CALL(ssize_t, writev, (int f, const struct iovec* v, int n), below(f), (f, v, n), -1)
CALL(int, fsync, (int f), below(f), (f), -1)
CALL(int, fdatasync, (int f), below(f), (f), -1)
CALL(int, ftruncate, (int f, off_t n), below(f), (f, n), -1)
CALL(int, ftruncate64, (int f, off64_t n), below(f), (f, n), -1)
CALL(ssize_t, sendfile, (int to, int from, off_t* at, size_t n), below(to), (to, from, at, n), -1)
CALL(ssize_t, sendfile64, (int to, int from, off64_t* at, size_t n), below(to), (to, from, at, n), -1)
CALL(ssize_t, copy_file_range, (int from, off64_t* a, int to, off64_t* b, size_t n, unsigned flags), below(to),
     (from, a, to, b, n, flags), -1)
CALL(int, rename, (const char* a, const char* b), below(b), (a, b), -1)
CALL(int, link, (const char* a, const char* b), below(b), (a, b), -1)
CALL(int, unlink, (const char* a), below(a), (a), -1)
CALL(int, mkdir, (const char* a, mode_t mode), below(a), (a, mode), -1)
CALL(size_t, fwrite, (const void* b, size_t size, size_t n, FILE* f), below(fileno(f)), (b, size, n, f), 0)
CALL(int, fflush, (FILE* f), f && below(fileno(f)), (f), EOF)

#define FOPEN(name)                                                                     \
  extern "C" FILE* name(const char* path, const char* mode) {                           \
    static const auto real = next<FILE* (*)(const char*, const char*)>(#name);          \
    if (fails(below(path))) return nullptr;                                             \
    FILE* file = real(path, mode);                                                      \
    if (file && below(path)) native_file_open = true;                                   \
    return file;                                                                        \
  }
FOPEN(fopen)
FOPEN(fopen64)
extern "C" int fclose(FILE* file) {
  static const auto real = next<int (*)(FILE*)>("fclose");
  native_file_open = false;
  return real(file);
}
extern "C" void* malloc(size_t size) { return native_file_open && fails(true, true) ? nullptr : __libc_malloc(size); }
