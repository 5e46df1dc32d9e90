#pragma once
#include <cstdint>
#include <functional>

namespace lvm {

// Calls f(begin, end) for ranges of 0 … n on libtorch's threads; every range but the last has at least `grain` elements.
// at::parallel_for is a template: it runs on one thread unless the including file is compiled with the same OpenMP as libtorch.
// This function is compiled into libtorch's own loop instead, so no second OpenMP is loaded.
void parallel(int64_t n, int64_t grain, const std::function<void(int64_t begin, int64_t end)>& f);

}  // namespace lvm
