#pragma once
#include "../data/samples.h"

#include <atomic>

namespace lvm {

// Exponential means of the contexts of the given windows, one for each decay: Σ λ^age x / Σ λ^age, where the last vector has age
// 0. Windows that begin at one row share one pass. Shapes: [windows, decays, dim], float32
Tensor exponential_means(const Samples& samples, const Tensor& windows, const std::vector<double>& decays,
                         const std::atomic<bool>& stop);

}  // namespace lvm
