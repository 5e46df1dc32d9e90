#pragma once
#include "../torch.h"

namespace lvm {

using torch::Tensor;

// Exponential means of everything read so far, m_k(t) = Σ λ_kᵗ⁻ⁱ xᵢ / Σ λ_kᵗ⁻ⁱ for K rates λ at once.
//
// Positions are computed in blocks, as products with triangular matrices; sums and totals are carried from one block to the next.
// So time and memory are linear in the number of positions. `state` carries them from one call to the next: {sums [batch, K,
// dim], totals [batch, K, 1]}, empty at first. Sums are float32, or float64 for float64. With `last_only` there is one output
// position.
//
// Shapes: x [batch, time, dim], rates [K]

// One mean for each position, of one rate -> [batch, time or 1, dim]
Tensor exponential_mean(const Tensor& x, const Tensor& rate, bool last_only, std::vector<Tensor>* state);
struct Means {
  Tensor means;   // [batch, time or 1, K, dim], at least float32
  Tensor totals;  // Σ λᵗ⁻ⁱ [1 or batch, time or 1, K]
};
Means exponential_means(const Tensor& x, const Tensor& rates, bool last_only, std::vector<Tensor>* state);
// What the means say about the text so far: log Σ λᵗ⁻ⁱ, |m_k|, and the cosines of all pairs -> [batch, time or 1, 2 K + K (K − 1)
// / 2]
Tensor summary(const Means& of);

// θ of K rates λ = σ(θ): 1 − λ falls from .98 to .02 in equal ratios. For one, λ is .8.
std::vector<double> initial_decays(int64_t count);

}  // namespace lvm
