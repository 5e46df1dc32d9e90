#include "shared-memory.h"

#ifdef __linux__
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <random>
#endif

namespace lvm {

#ifdef __linux__
namespace {

struct Descriptor {
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
  int fd = -1;
};

// No file remains when the processes end, however they do. Another machine may have a process and a descriptor of the same
// numbers, so that the memory has a random name.
std::string name_of(int64_t token) { return "lvm-torch-" + std::to_string(token); }

int made(int64_t token, size_t bytes) {
  const auto fd = memfd_create(name_of(token).c_str(), MFD_CLOEXEC);
  if (fd >= 0 && ftruncate(fd, off_t(bytes)) == 0) return fd;
  if (fd >= 0) close(fd);
  return -1;
}

int opened(int64_t process, int64_t fd, int64_t token) {
  const auto path = "/proc/" + std::to_string(process) + "/fd/" + std::to_string(fd), expected = "/memfd:" + name_of(token) + " ";
  std::string name(expected.size(), '\0');
  if (readlink(path.c_str(), name.data(), name.size()) != ssize_t(name.size()) || name != expected) return -1;
  return open(path.c_str(), O_RDWR | O_CLOEXEC);
}

}  // namespace

std::shared_ptr<void> shared_memory(Ranks& ranks, size_t bytes) {
  const auto place = torch::zeros({3}, torch::kInt64);
  Descriptor memory;
  if (ranks.rank == 0 && ranks.share_memory) {
    std::random_device random;
    const auto token = int64_t(random()) << 31 ^ int64_t(random());
    memory.fd = made(token, bytes);
    place.copy_(torch::tensor({int64_t(getpid()), int64_t(memory.fd), token}, torch::kInt64));
  }
  ranks.broadcast({place});
  const auto* told = place.const_data_ptr<int64_t>();
  if (ranks.rank > 0 && ranks.share_memory) memory.fd = opened(told[0], told[1], told[2]);
  auto* at = memory.fd < 0 ? MAP_FAILED : mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory.fd, 0);
  std::shared_ptr<void> mapped;
  if (at != MAP_FAILED) mapped = {at, [bytes](void* at) { munmap(at, bytes); }};
  const auto seen = torch::tensor({mapped ? 1 : 0}, torch::kInt64);
  ranks.sum(seen)();
  return seen.item<int64_t>() == ranks.size ? mapped : nullptr;
}

#else

std::shared_ptr<void> shared_memory(Ranks&, size_t) { return nullptr; }

#endif

}  // namespace lvm
