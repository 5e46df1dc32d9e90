#include "regions.h"

#ifndef _WIN32
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <thread>

namespace lvm {
namespace {

std::mutex changing;
std::atomic<Region*> first = nullptr;
std::atomic<int> in_use = 0;
std::atomic<size_t> mapped_bytes = 0;
std::atomic<uint64_t> missing = 0;
std::atomic<Region*> last_cut = nullptr;
struct sigaction before_bus{}, before_write{};

Region* region_of(const void* address) {
  for (auto* region = first.load(); region != nullptr; region = region->next)
    if (region->holds(address)) return region;
  return nullptr;
}

// Replaces the unreadable page and all after it by zeros. Returns whether the address lies in an open region.
bool fill_missing_page(void* address) {
  auto* const region = region_of(address);
  if (region == nullptr) return false;
  auto* const begin = region->begin.load();
  auto* const page = begin + (static_cast<char*>(address) - begin) / ::getpagesize() * ::getpagesize();
  const auto rest = size_t(begin + region->size.load() - page);
  if (::mmap(page, rest, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANON, -1, 0) == MAP_FAILED) return false;
  region->cut = true;
  last_cut = region;
  ++missing;
  return true;
}

// Makes a region writable at its first write. Returns whether the address lies in an open region.
bool allow_writing(void* address) {
  auto* const region = region_of(address);
  if (region == nullptr) return false;
  for (auto use = Region::read_only; !region->use.compare_exchange_weak(use, Region::writable); use = Region::read_only) {
    if (use == Region::writable) break;
    ::sched_yield();  // its pages are being returned
  }
  return ::mprotect(region->begin, region->size, PROT_READ | PROT_WRITE) == 0;
}

// Several threads may run this at once. A signal that does not concern a mapped file goes to the previous handler.
void on_fault(int signal, siginfo_t* info, void* context) {
  const int kept = errno;
  const bool sent = info->si_code == SI_USER || info->si_code == SI_QUEUE;  // sent by a process, so without a fault address
  const bool refused = signal == SIGSEGV && info->si_code == SEGV_ACCERR;
  if (!sent && (refused ? allow_writing(info->si_addr) : signal == SIGBUS && fill_missing_page(info->si_addr))) {
    errno = kept;
    return;
  }
  const auto& previous = signal == SIGBUS ? before_bus : before_write;
  if (previous.sa_flags & SA_SIGINFO) return previous.sa_sigaction(signal, info, context);
  if (previous.sa_handler == SIG_IGN && sent) return;
  if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) return previous.sa_handler(signal);
  ::signal(signal, SIG_DFL);
  if (sent) ::raise(signal);  // otherwise the access is repeated and ends the process as before
}

#ifdef __linux__
// Pages of mapped files that may stay in this process before they are returned. Units: bytes.
constexpr size_t most_resident = size_t(256) << 20;

// Pages of files in this process. Units: bytes.
size_t resident_bytes() {
  auto* const file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  unsigned long all = 0, resident = 0, of_files = 0;
  const auto read = std::fscanf(file, "%lu %lu %lu", &all, &resident, &of_files);
  std::fclose(file);
  return read == 3 ? of_files * size_t(::getpagesize()) : 0;
}

// Returns the pages of all regions to the page cache of the system, from where the next access takes them again.
void return_pages() {
  std::lock_guard lock(changing);
  for (auto* region = first.load(); region != nullptr; region = region->next) {
    auto use = Region::read_only;
    if (region->begin.load() == nullptr || !region->use.compare_exchange_strong(use, Region::returning)) continue;
    if (!region->cut) ::madvise(region->begin, region->size, MADV_DONTNEED);
    region->use = Region::read_only;
  }
}

std::atomic<bool> watching = false;
std::atomic<size_t> least = 0;  // pages of files that were there when some were last returned, or fewer

void return_pages_if_many() {
  const auto now = resident_bytes();
  if (now > least + most_resident) {
    return_pages();
    least = resident_bytes();
  } else if (now < least) {
    least = now;
  }
}

// Runs while the mapped files are larger than the limit.
void watch_pages() {
  using namespace std::chrono_literals;
  do {
    for (auto before = resident_bytes(); mapped_bytes > most_resident;) {
      const auto now = resident_bytes();
      const auto quick = now > before + (size_t(16) << 20);
      before = now;
      return_pages_if_many();
      std::this_thread::sleep_for(quick ? 2ms : 10ms);
    }
    watching = false;
  } while (mapped_bytes > most_resident && !watching.exchange(true));
}

void bound_resident_pages() {
  if (mapped_bytes <= most_resident || watching.exchange(true)) return;
  least = resident_bytes();
  std::thread(watch_pages).detach();
}
#else
void bound_resident_pages() {}
#endif

}  // namespace

Written written(int file) {
  struct stat found{};
  ::fstat(file, &found);
#ifdef __APPLE__
  return {found.st_size, found.st_mtimespec.tv_sec, found.st_mtimespec.tv_nsec};
#else
  return {found.st_size, found.st_mtim.tv_sec, found.st_mtim.tv_nsec};
#endif
}

int file_protection() {
#ifdef __linux__
  return PROT_READ;
#else
  return PROT_READ | PROT_WRITE;
#endif
}

void watch_regions() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action{};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    ::sigaction(SIGBUS, &action, &before_bus);
#ifdef __linux__
    ::sigaction(SIGSEGV, &action, &before_write);
#endif
  });
}

Region* regions() { return first; }
int regions_in_use() { return in_use; }

Region* take_region(int file, const std::string& path, char* tensor, size_t span) {
  std::lock_guard lock(changing);
  auto* region = first.load();
  while (region != nullptr && region->file >= 0) region = region->next;
  if (region == nullptr) {
    region = new Region;
    region->file = file;
    region->next = first;
    first = region;
  }
  region->file = file;
  region->path = path;
  region->mapped = written(file);
  region->cut = false;
  region->use = file_protection() == PROT_READ ? Region::read_only : Region::writable;
  region->size = 0;
  region->span = span;
  region->tensor = tensor;
  ++in_use;
  return region;
}

void fill_region(Region* region, char* begin, size_t size) {
  region->size = size;
  region->begin = begin;
  mapped_bytes += size;
  bound_resident_pages();
}

void release_region(Region* region) {
  std::lock_guard lock(changing);
  region->begin = nullptr;
  region->tensor = nullptr;
  ::close(region->file);
  region->file = -1;
  --in_use;
  mapped_bytes -= region->size;
}

void return_pages_after_work() {
#ifdef __linux__
  using namespace std::chrono;
  static std::atomic<int64_t> looked = 0;
  if (!watching) return;
  const auto now = duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
  if (looked.exchange(now) != now) return_pages_if_many();
#endif
}

uint64_t pages_cut() { return missing; }
const Region* region_cut() { return last_cut; }

}  // namespace lvm
#endif
