#include "mapped-file.h"

#include "../error.h"
#include "regions.h"

#include <c10/util/Exception.h>

#ifndef _WIN32
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace lvm {
namespace {

Error changed(const std::string& path, const char* how) {
  return Error("DATA_CHANGED", path + ": expected the file to stay as it was while it is used but it was " + how);
}

Error unmapped(const std::string& path) { return Error("FILE_ACCESS", path + ": could not be mapped: " + std::strerror(errno)); }

void read_at(int file, const std::string& path, char* to, size_t count, off_t offset) {
  while (count > 0) {
    const auto read = ::pread(file, to, count, offset);
    if (read < 0 && errno == EINTR) continue;
    if (read < 0) throw Error("FILE_ACCESS", path + ": " + std::strerror(errno));
    if (read == 0) throw changed(path, "cut");
    to += read, offset += read, count -= size_t(read);
  }
}

// Memory in which files are mapped one after the other.
class Mapping {
 public:
  explicit Mapping(size_t span) : span(span) {
    const auto got = ::mmap(nullptr, span, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON | MAP_NORESERVE, -1, 0);
    if (got == MAP_FAILED) throw Error("FILE_ACCESS", std::string("memory for a mapped file: ") + std::strerror(errno));
    begin = static_cast<char*>(got);
  }
  ~Mapping() {
    for (auto* region : taken) release_region(region);
    ::munmap(begin, span);
  }
  Mapping(const Mapping&) = delete;

  // Maps the pages of a stretch that no other shares, and reads the rest.
  void add(const Stretch& stretch, char* at, bool first, bool last) {
    const int file = ::open(stretch.path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) throw Error(errno == ENOENT ? "FILE_MISSING" : "FILE_ACCESS", stretch.path + ": " + std::strerror(errno));
    auto* const region = take_region(file, stretch.path, begin, span);  // closes the file
    taken.push_back(region);
    if (region->mapped.size < stretch.offset + stretch.bytes) throw changed(stretch.path, "cut");
    const auto page = size_t(::getpagesize());
    const auto down = [&](char* p) { return begin + size_t(p - begin) / page * page; };
    auto *const end = at + stretch.bytes, *from = first ? down(at) : down(at + page - 1);
    auto* to = last ? down(end + page - 1) : down(end);
    const auto fits = size_t(stretch.offset) % page == size_t(at - begin) % page;
    if (!fits || to <= from) return read_at(file, stretch.path, at, size_t(stretch.bytes), stretch.offset);
    const auto offset = stretch.offset + (from - at);
    if (::mmap(from, size_t(to - from), file_protection(), MAP_FIXED | MAP_PRIVATE | MAP_NORESERVE, file, offset) == MAP_FAILED)
      throw unmapped(stretch.path);
    fill_region(region, from, size_t(to - from));
    if (from > at) read_at(file, stretch.path, at, size_t(from - at), stretch.offset);
    if (to < end) read_at(file, stretch.path, to, size_t(end - to), stretch.offset + (to - at));
  }

  char* begin;
  const size_t span;

 private:
  std::vector<Region*> taken;
};

}  // namespace

torch::Tensor map_files(const std::vector<Stretch>& stretches, at::IntArrayRef shape, torch::Dtype dtype) {
  if (c10::multiply_integers(shape) == 0) return torch::empty(shape, dtype);
  watch_regions();
  const auto page = size_t(::getpagesize()), lead = size_t(stretches[0].offset) % page;
  auto span = lead;
  for (const auto& stretch : stretches) span += size_t(stretch.bytes);
  auto mapping = std::make_shared<Mapping>((span + page - 1) / page * page);
  auto* at = mapping->begin + lead;
  for (size_t i = 0; i < stretches.size(); at += stretches[i++].bytes)
    mapping->add(stretches[i], at, i == 0, i + 1 == stretches.size());
  return torch::from_blob(mapping->begin + lead, shape, [mapping](void*) mutable { mapping.reset(); }, dtype);
}

void require_unchanged(const torch::Tensor& tensor) {
  if (regions_in_use() == 0 || !tensor.defined() || !tensor.has_storage()) return;
  return_pages_after_work();
  const auto* data = tensor.storage().data();
  for (auto* region = regions(); region != nullptr; region = region->next) {
    if (!region->is_below(data)) continue;
    const auto now = written(region->file);
    if (region->cut || now.size < region->mapped.size) throw changed(region->path, "cut");
    if (!(now == region->mapped)) throw changed(region->path, "written to");
  }
}

void bound_mapped_memory() { return_pages_after_work(); }
uint64_t missing_pages() { return pages_cut(); }
std::exception_ptr missing_page_error() { return std::make_exception_ptr(changed(region_cut()->path, "cut")); }

}  // namespace lvm

#else
#include <ATen/ATen.h>

// Windows does not let a mapped file be truncated.
namespace lvm {

torch::Tensor map_files(const std::vector<Stretch>& stretches, at::IntArrayRef shape, torch::Dtype dtype) {
  const auto size = int64_t(c10::elementSize(dtype)), elements = c10::multiply_integers(shape);
  const auto& [path, offset, bytes] = stretches.at(0);
  const auto whole = at::from_file(path, false, offset / size + elements, torch::TensorOptions(dtype));
  return whole.narrow(0, offset / size, elements).view(shape);
}
void require_unchanged(const torch::Tensor&) {}
void bound_mapped_memory() {}
uint64_t missing_pages() { return 0; }
std::exception_ptr missing_page_error() { return nullptr; }

}  // namespace lvm
#endif
