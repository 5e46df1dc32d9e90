#include "file-sink.h"

#include "../data/utf8-path.h"
#include "../error.h"

#include <cerrno>
#include <cstring>

namespace lvm {
namespace {

const char* code_of(int failure) {
  switch (failure) {
    case ENOSPC:
    case EFBIG:
#ifdef EDQUOT
    case EDQUOT:
#endif
      return "NO_DISK";
    case EMFILE:
    case ENFILE:
      return "OPEN_FILES";
    default:
      return "FILE_ACCESS";
  }
}

FILE* open_new(const std::string& path) {
#ifdef _WIN32
  return ::_wfopen(path_of(path).c_str(), L"wb");
#else
  return std::fopen(path.c_str(), "wb");
#endif
}

}  // namespace

FileSink::FileSink(const std::string& path) : path(path), file(open_new(path), std::fclose) {
  if (!file) failure = errno;
}

size_t FileSink::write(const void* bytes, size_t size) noexcept {
  if (failure == 0 && std::fwrite(bytes, 1, size, file.get()) != size) failure = errno ? errno : ENOSPC;
  return size;
}

void FileSink::finish() {
  if (failure == 0 && std::fflush(file.get()) != 0) failure = errno;
  if (failure == 0 && std::fclose(file.release()) != 0) failure = errno;
  if (failure != 0) throw Error(code_of(failure), "could not write " + path + ": " + std::strerror(failure));
}

}  // namespace lvm
