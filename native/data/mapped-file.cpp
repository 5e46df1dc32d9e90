#include "mapped-file.h"

#include "../error.h"

#include <c10/util/Exception.h>

#ifndef _WIN32
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <mutex>

namespace lvm {
namespace {

struct Written {
  off_t size;
  time_t seconds;
  long nanoseconds;
  bool operator==(const Written& other) const {
    return size == other.size && seconds == other.seconds && nanoseconds == other.nanoseconds;
  }
};

Written written(int file) {
  struct stat found{};
  ::fstat(file, &found);
#ifdef __APPLE__
  return {found.st_size, found.st_mtimespec.tv_sec, found.st_mtimespec.tv_nsec};
#else
  return {found.st_size, found.st_mtim.tv_sec, found.st_mtim.tv_nsec};
#endif
}

// One mapped file. The signal handler may iterate over the list at any time, so regions are reused and never freed.
struct Region {
  std::atomic<char*> begin = nullptr;
  std::atomic<size_t> size = 0;
  std::atomic<bool> cut = false;
  int file = -1;
  Written mapped{};
  std::string path;
  Region* next = nullptr;

  bool holds(const void* address) const {
    const auto* from = begin.load();
    return from != nullptr && address >= from && address < from + size.load();
  }
};

std::mutex changing;
std::atomic<Region*> first = nullptr;
std::atomic<int> in_use = 0;
std::atomic<uint64_t> missing = 0;
std::atomic<Region*> last_cut = nullptr;
struct sigaction previous{};

// Replaces the unreadable page and all after it by zeros. Returns whether the address lies in an open region.
bool fill_missing_page(void* address) {
  for (auto* region = first.load(); region != nullptr; region = region->next) {
    if (!region->holds(address)) continue;
    auto* const begin = region->begin.load();
    auto* const page = begin + (static_cast<char*>(address) - begin) / ::getpagesize() * ::getpagesize();
    const auto rest = size_t(begin + region->size.load() - page);
    if (::mmap(page, rest, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANON, -1, 0) == MAP_FAILED) return false;
    region->cut = true;
    last_cut = region;
    ++missing;
    return true;
  }
  return false;
}

// Several threads may run this at once. A signal that does not concern a mapped file goes to the previous handler.
void on_bus_error(int signal, siginfo_t* info, void* context) {
  const int kept = errno;
  const bool sent = info->si_code == SI_USER || info->si_code == SI_QUEUE;  // sent by a process, so without a fault address
  if (!sent && fill_missing_page(info->si_addr)) {
    errno = kept;
    return;
  }
  if (previous.sa_flags & SA_SIGINFO) return previous.sa_sigaction(signal, info, context);
  if (previous.sa_handler == SIG_IGN && sent) return;
  if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) return previous.sa_handler(signal);
  ::signal(signal, SIG_DFL);
  if (sent) ::raise(signal);  // otherwise the access is repeated and ends the process as before
}

void catch_bus_errors() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action{};
    action.sa_sigaction = on_bus_error;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    ::sigaction(SIGBUS, &action, &previous);
  });
}

// Takes a free region or appends a new one; `file` marks it as in use.
Region* take_region(int file) {
  std::lock_guard lock(changing);
  ++in_use;
  for (auto* region = first.load(); region != nullptr; region = region->next) {
    if (region->file >= 0) continue;
    region->file = file;
    return region;
  }
  auto* region = new Region;
  region->file = file;
  region->next = first;
  first = region;
  return region;
}

void release(Region* region) {
  std::lock_guard lock(changing);
  auto* const begin = region->begin.exchange(nullptr);
  if (begin != nullptr) ::munmap(begin, region->size);
  if (region->file >= 0) ::close(region->file);
  region->file = -1;
  --in_use;
}

Error changed(const std::string& path, const char* how) {
  return Error("DATA_CHANGED", path + ": expected the file to stay as it was while it is used but it was " + how);
}

}  // namespace

torch::Tensor map_file(const std::string& path, int64_t offset, at::IntArrayRef shape, torch::Dtype dtype) {
  catch_bus_errors();
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw Error(errno == ENOENT ? "FILE_MISSING" : "FILE_ACCESS", path + ": " + std::strerror(errno));
  const auto now = written(file);
  const auto elements = c10::multiply_integers(shape);
  const auto end = size_t(offset) + size_t(elements) * c10::elementSize(dtype);
  auto* const begin = elements == 0 || size_t(now.size) < end
                        ? MAP_FAILED
                        : ::mmap(nullptr, end, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file, 0);
  if (begin == MAP_FAILED) {
    const int why = errno;
    ::close(file);
    if (elements == 0) return torch::empty(shape, dtype);
    if (size_t(now.size) < end) throw changed(path, "cut");
    throw Error("FILE_ACCESS", path + ": could not be mapped: " + std::strerror(why));
  }
  auto* const region = take_region(file);
  region->path = path;
  region->mapped = now;
  region->cut = false;
  region->size = end;
  region->begin = static_cast<char*>(begin);
  return torch::from_blob(static_cast<char*>(begin) + offset, shape, [region](void*) { release(region); }, dtype);
}

void require_unchanged(const torch::Tensor& tensor) {
  if (in_use == 0 || !tensor.defined() || !tensor.has_storage()) return;
  const auto* data = tensor.storage().data();
  for (auto* region = first.load(); region != nullptr; region = region->next) {
    if (!region->holds(data)) continue;
    const auto now = written(region->file);
    if (region->cut || now.size < region->mapped.size) throw changed(region->path, "cut");
    if (!(now == region->mapped)) throw changed(region->path, "written to");
    return;
  }
}

uint64_t missing_pages() { return missing; }
std::exception_ptr missing_page_error() { return std::make_exception_ptr(changed(last_cut.load()->path, "cut")); }

}  // namespace lvm

#else
#include <ATen/ATen.h>

// Windows does not let a mapped file be truncated.
namespace lvm {

torch::Tensor map_file(const std::string& path, int64_t offset, at::IntArrayRef shape, torch::Dtype dtype) {
  const auto size = int64_t(c10::elementSize(dtype)), elements = c10::multiply_integers(shape);
  const auto whole = at::from_file(path, false, offset / size + elements, torch::TensorOptions(dtype));
  return whole.narrow(0, offset / size, elements).view(shape);
}
void require_unchanged(const torch::Tensor&) {}
uint64_t missing_pages() { return 0; }
std::exception_ptr missing_page_error() { return nullptr; }

}  // namespace lvm
#endif
