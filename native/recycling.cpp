#include "recycling.h"

#include <c10/core/Allocator.h>
#include <c10/core/impl/alloc_cpu.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif
#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace lvm {
namespace {

constexpr size_t large = 1 << 20;
constexpr size_t huge = 1 << 28;  // size from which the free memory is read before
// Bounds of the cache, between which it takes at most half of what the tensors take.
constexpr size_t most_of_small = 1 << 28, most = 1 << 30;

// Huge pages need a thousandth of the page faults and TLB entries.
void want_large_pages([[maybe_unused]] void* data, [[maybe_unused]] size_t bytes) {
#if defined(__linux__)
  static const auto page = uintptr_t(sysconf(_SC_PAGESIZE));
  const auto begin = (reinterpret_cast<uintptr_t>(data) + page - 1) / page * page;
  const auto end = (reinterpret_cast<uintptr_t>(data) + bytes) / page * page;
  if (end > begin) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
#endif
}

// Linux grants more memory than there is and ends the process that uses it; this throws instead.
void require_memory([[maybe_unused]] size_t bytes) {
#if defined(__linux__)
  std::ifstream file("/proc/meminfo");
  for (std::string key, unit; file >> key;) {
    size_t kilobytes = 0;
    file >> kilobytes;
    std::getline(file, unit);
    if (key != "MemAvailable:") continue;
    if (bytes / 1024 > kilobytes) {
      C10_THROW_ERROR(OutOfMemoryError, "there is not enough memory: a tensor takes " + std::to_string(bytes >> 20) + " MB but " +
                                          std::to_string(kilobytes >> 10) + " MB are available");
    }
    return;
  }
#endif
}

// Sizes within an eighth of each other share their blocks.
size_t rounded(size_t bytes) {
  size_t step = large / 8;
  while (step * 16 <= bytes) step *= 2;
  return (bytes + step - 1) / step * step;
}

class Recycler final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    if (bytes >= large) bytes = rounded(bytes);
    void* data = bytes >= large ? kept_block(bytes) : nullptr;
    if (data == nullptr && bytes > 0) {
      if (bytes >= huge) require_memory(bytes);
      data = c10::alloc_cpu(bytes);
      if (bytes >= large) note(data, bytes);
    }
    return {data, data, bytes >= large ? &give_back : &c10::free_cpu, c10::DeviceType::CPU};
  }
  void forget_peak() {
    const std::lock_guard lock(mutex);
    peak_bytes = used_bytes;
    limit();
  }
  c10::DeleterFnPtr raw_deleter() const override { return &give_back; }
  void copy_data(void* to, const void* from, std::size_t count) const override { std::memcpy(to, from, count); }

 private:
  void* kept_block(size_t bytes) {
    const std::lock_guard lock(mutex);
    auto best = kept.end();
    size_t found = 2 * bytes + 1;  // a larger block would waste more than it saves
    for (auto it = kept.begin(); it != kept.end(); ++it) {
      const auto size = sizes.at(*it);
      if (size < bytes || size >= found) continue;
      best = it;
      found = size;
    }
    if (best == kept.end()) return nullptr;
    auto* data = *best;
    kept.erase(best);
    kept_bytes -= found;
    use(found);
    return data;
  }

  void note(void* data, size_t bytes) {
    want_large_pages(data, bytes);
    const std::lock_guard lock(mutex);
    sizes.emplace(data, bytes);
    use(bytes);
  }

  void use(size_t bytes) {
    used_bytes += bytes;
    peak_bytes = std::max(peak_bytes, used_bytes);
    limit();
  }

  static void give_back(void* data);

  void take_back(void* data) {
    const std::lock_guard lock(mutex);
    const auto it = sizes.find(data);
    if (it == sizes.end()) return c10::free_cpu(data);
    kept.push_front(data);
    kept_bytes += it->second;
    used_bytes -= it->second;
    limit();
  }

  // The process never grows beyond what its tensors once took together; a larger cache would hold sizes that are never requested
  // again.
  void limit() { keep_at_most(std::min(peak_bytes - used_bytes, std::clamp(used_bytes / 2, most_of_small, most))); }

  void keep_at_most(size_t bytes) {
    while (kept_bytes > bytes) {
      auto* oldest = kept.back();
      kept.pop_back();
      kept_bytes -= sizes.at(oldest);
      sizes.erase(oldest);
      c10::free_cpu(oldest);
    }
  }

  std::mutex mutex;
  std::unordered_map<void*, size_t> sizes;  // all large blocks, in use or cached
  std::list<void*> kept;                    // the most recently freed is first
  size_t kept_bytes = 0, used_bytes = 0, peak_bytes = 0;
};

// Never destroyed, because static tensors of other libraries may be freed later.
Recycler& recycler() {
  static auto* one = new Recycler;
  return *one;
}

void Recycler::give_back(void* data) {
  if (data != nullptr) recycler().take_back(data);
}

}  // namespace

void allocate_by_ourselves() { c10::SetAllocator(c10::DeviceType::CPU, &recycler(), 1); }

void give_back_free_memory() {
  recycler().forget_peak();
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
}

}  // namespace lvm
