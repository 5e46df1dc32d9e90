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
// Σ_k w_k m_k, with weights of each position, or of the last one alone [batch, time or 1, K] -> [batch, time or 1, dim]
Tensor exponential_mixture(const Tensor& x, const Tensor& rates, const Tensor& weights, bool last_only,
                           std::vector<Tensor>* state);
// [x  m_1 … m_K] side by side -> [batch, time or 1, (1 + K) · dim]
Tensor with_exponential_means(const Tensor& x, const Tensor& rates, bool last_only, std::vector<Tensor>* state);

// θ of K rates λ = σ(θ): 1 − λ falls from .98 to .02 in equal ratios. For one, λ is .8.
std::vector<double> initial_decays(int64_t count);

}  // namespace lvm
