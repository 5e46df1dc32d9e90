#pragma once
#include <cstdint>
#include <utility>

namespace lvm {

// A part of a batch, where several processes share it: of its contexts, or of the outputs taken from them.
struct BatchPart {
  int64_t from = 0, of = 0;  // first one, and how many the whole batch has; of = 0: the part is the whole
};

// What this thread computes. Random masks are drawn for the whole batch, so that they do not depend on the number of processes.
struct Parts {
  BatchPart contexts, outputs;
};
inline Parts& current_parts() {
  thread_local Parts parts;
  return parts;
}

class WithParts {
 public:
  explicit WithParts(Parts parts) : before(std::exchange(current_parts(), parts)) {}
  ~WithParts() { current_parts() = before; }
  WithParts(const WithParts&) = delete;
  WithParts& operator=(const WithParts&) = delete;

 private:
  Parts before;
};

}  // namespace lvm
