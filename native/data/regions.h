#pragma once
#ifndef _WIN32
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <ctime>
#include <string>

namespace lvm {

// Size and time of the last change of a file.
struct Written {
  off_t size;
  time_t seconds;
  long nanoseconds;
  bool operator==(const Written& other) const {
    return size == other.size && seconds == other.seconds && nanoseconds == other.nanoseconds;
  }
};
Written written(int file);

// Whole pages of one mapped file. The signal handlers may iterate over the list at any time, so regions are reused and never
// freed.
struct Region {
  std::atomic<char*> begin = nullptr;
  std::atomic<size_t> size = 0;
  std::atomic<char*> tensor = nullptr;  // the memory of its tensor, which may have several regions
  std::atomic<size_t> span = 0;
  std::atomic<bool> cut = false;
  // Only a region that nobody has written to may give its pages back: they are then equal to the file.
  enum Use { read_only, returning, writable };
  std::atomic<Use> use = read_only;
  int file = -1;
  Written mapped{};
  std::string path;
  Region* next = nullptr;

  bool holds(const void* address) const {
    const auto* from = begin.load();
    return from != nullptr && address >= from && address < from + size.load();
  }
  bool is_below(const void* address) const {
    const auto* from = tensor.load();
    return from != nullptr && address >= from && address < from + span.load();
  }
};

// The last region in the list; `next` leads to the others.
Region* regions();
// Number of regions in use.
int regions_in_use();

// Takes over an open file that the memory of a tensor is read from.
Region* take_region(int file, const std::string& path, char* tensor, size_t span);
// Says where its pages are mapped; the caller unmaps them after `release_region`.
void fill_region(Region* region, char* begin, size_t size);
void release_region(Region* region);

// Protection of pages that are mapped from a file.
int file_protection();

// Starts to handle cut files and first writes.
void watch_regions();

// Returns pages to the system if many files' pages are in this process: a busy machine may delay the thread that watches them.
void return_pages_after_work();

uint64_t pages_cut();
// The region of the most recent missing page.
const Region* region_cut();

}  // namespace lvm
#endif
