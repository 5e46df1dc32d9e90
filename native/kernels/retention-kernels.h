#pragma once
#include "rotary.h"

namespace lvm {

// What every part of multi-scale retention needs to know: how fast each head forgets, and where its positions turn.
// Shapes: log_decay [heads], angles [time, e/2]
struct RetentionScale {
  Tensor log_decay;
  Angles angles;
  double eps;
};

// γ^(t−s) / √(Σ_s γ^(t−s)) for s ≤ t, else 0, for the last `queries` of `time` positions.
// Shapes: -> [heads, queries, time]
Tensor retention_mask(const Tensor& log_decay, int64_t queries, int64_t time, torch::Dtype dtype);

// silu(g) · concat_heads(rms(A v)), A = (q kᵀ / √e ⊙ mask) with its rows divided by clamp(Σ|A|, 1, 5e4): all in one pass over
// memory, forward and backward, for contexts so short that a head's rows stay in the cache. float32 and float64 on the CPU.
// Shapes: q [batch, queries, d], k [batch, time, d], v [batch, time, dv], g [batch, queries, dv] -> [batch, queries, dv]
Tensor short_retention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& g, const RetentionScale& scale);

}  // namespace lvm
