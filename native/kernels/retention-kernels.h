#pragma once
#include "rotary.h"

namespace lvm {

// Parameters of multi-scale retention: decay of each head, rotation of each position.
// Shapes: log_decay [heads], angles [time, e/2]
struct RetentionScale {
  Tensor log_decay;
  Angles angles;
  double eps;
};

// γ^(t−s) / √(Σ_s γ^(t−s)) for s ≤ t, else 0, for the last `queries` of `time` positions.
// Shapes: -> [heads, queries, time]
Tensor retention_mask(const Tensor& log_decay, int64_t queries, int64_t time, torch::Dtype dtype);

// silu(g) · concat_heads(rms(A v)), where A = (q kᵀ / √e ⊙ mask) has its rows divided by clamp(Σ|A|, 1, 5e4). One pass over
// memory, forward and backward, for contexts so short that the rows of a head stay in the cache. float32 and float64, on the CPU.
// Shapes: q [batch, queries, d], k [batch, time, d], v [batch, time, dv], g [batch, queries, dv] -> [batch, queries, dv]
Tensor short_retention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& g, const RetentionScale& scale);

}  // namespace lvm
