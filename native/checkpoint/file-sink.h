#pragma once
#include <cstdio>
#include <memory>
#include <string>

namespace lvm {

// A new file for a libtorch writer. Its write() never throws, because the writer's destructor writes and an exception there ends
// the process. The first failure is stored, later writes are dropped, and finish() throws.
class FileSink {
 public:
  explicit FileSink(const std::string& path);
  size_t write(const void* bytes, size_t size) noexcept;
  // Errors: NO_DISK, OPEN_FILES, FILE_ACCESS
  void finish();

 private:
  std::string path;
  std::unique_ptr<FILE, int (*)(FILE*)> file;
  int failure = 0;
};

}  // namespace lvm
