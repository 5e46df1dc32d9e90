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
constexpr size_t most = 1 << 30;  // limit of the cache, so that a model that barely fits its memory still fits

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

class Recycler final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    void* data = bytes >= large ? kept_block(bytes) : nullptr;
    if (data == nullptr && bytes > 0) {
      if (bytes >= huge) require_memory(bytes);
      data = c10::alloc_cpu(bytes);
      if (bytes >= large) note(data, bytes);
    }
    return {data, data, bytes >= large ? &give_back : &c10::free_cpu, c10::DeviceType::CPU};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &give_back; }
  void copy_data(void* to, const void* from, std::size_t count) const override { std::memcpy(to, from, count); }

  void begin() {
    const std::lock_guard lock(mutex);
    ++users;
  }
  void end() {
    const std::lock_guard lock(mutex);
    if (--users == 0) keep_at_most(0);
  }

 private:
  void* kept_block(size_t bytes) {
    const std::lock_guard lock(mutex);
    for (auto it = kept.begin(); it != kept.end(); ++it) {
      if (sizes.at(*it) != bytes) continue;
      auto* data = *it;
      kept.erase(it);
      kept_bytes -= bytes;
      used_bytes += bytes;
      return data;
    }
    return nullptr;
  }

  void note(void* data, size_t bytes) {
    want_large_pages(data, bytes);
    const std::lock_guard lock(mutex);
    sizes.emplace(data, bytes);
    used_bytes += bytes;
  }

  static void give_back(void* data);

  void take_back(void* data) {
    const std::lock_guard lock(mutex);
    const auto it = sizes.find(data);
    if (it == sizes.end()) return c10::free_cpu(data);
    kept.push_front(data);
    kept_bytes += it->second;
    used_bytes -= it->second;
    // Gradients take a third of the memory of weights and moments; a larger cache would hold sizes that are never requested
    // again.
    keep_at_most(users > 0 ? std::min(used_bytes / 2, most) : 0);
  }

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
  size_t kept_bytes = 0, used_bytes = 0;
  int users = 0;
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
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
}

Recycling::Recycling() { recycler().begin(); }
Recycling::~Recycling() { recycler().end(); }

}  // namespace lvm
