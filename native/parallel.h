#pragma once
#include <cstdint>
#include <functional>

namespace lvm {

// f(begin, end) for parts of 0 … n, each of at least `grain` unless it is the last, on libtorch's own threads.
// at::parallel_for is a template that runs on one thread unless the file that includes it is compiled with the very OpenMP
// that libtorch was; this goes through a compiled function of libtorch instead, so no second OpenMP is ever loaded.
void parallel(int64_t n, int64_t grain, const std::function<void(int64_t begin, int64_t end)>& f);

}  // namespace lvm
