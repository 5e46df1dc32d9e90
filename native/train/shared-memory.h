#pragma once
#include "ranks.h"

namespace lvm {

// Memory of so many bytes, all zero, that the processes of all ranks see; null where one of them cannot, as on another machine,
// or is not to. Collective.
std::shared_ptr<void> shared_memory(Ranks& ranks, size_t bytes);

// Waits until all ranks have come here.
inline void meet(Ranks& ranks) { ranks.sum(torch::zeros({1}))(); }

// Bytes of a tensor in shared memory, rounded up so that the next begins with a cache line.
constexpr size_t whole_lines(size_t bytes) { return (bytes + 63) / 64 * 64; }

}  // namespace lvm
