#pragma once
#include "../data/samples.h"

#include <atomic>

namespace lvm {

// Exponential means of the contexts of the given windows, one for each decay: Σ λ^age x / Σ λ^age, where the last vector has age
// 0. Contexts that overlap share one pass over their rows, in float64. Shapes: [windows, decays, dim], float32
Tensor exponential_means(const Samples& samples, const Tensor& windows, const std::vector<double>& decays,
                         const std::atomic<bool>& stop);

// Products of these means and of the target, the last, with one another. Shapes: [windows, decays + 1, decays + 1], float64
Tensor exponential_products(const Samples& samples, const Tensor& windows, const std::vector<double>& decays,
                            const std::atomic<bool>& stop);

// Cosines of these means and the target. Shapes: [windows, decays], float64
Tensor exponential_cosines(const Samples& samples, const Tensor& windows, const std::vector<double>& decays,
                           const std::atomic<bool>& stop);

}  // namespace lvm
