#pragma once
#include "rotary.h"

namespace lvm {

// Positive random features: φ(x) = m^−½ (exp(s W x − s² |x|² / 2 − M) + ε) with s = e^−¼; φ(q)·φ(k) estimates exp(q·k / √e). M is
// the maximum of s W x: per query, but over all keys together. It has no gradient.
constexpr double feature_floor = 1e-4;      // ε
constexpr double denominator_floor = 1e-6;  // causal form: times Σ φ(q), added to the sum of the weights

// y_t = Σ_s φ(q_t)·φ(k_s) v_s / Σ_s φ(q_t)·φ(k_s), over s ≤ t when causal. Computes all pairs of positions in one pass over the
// features, on the CPU, and rotates queries and keys by `by`.
// Shapes: x [batch, time, 3 heads e] -> [batch, time, heads e], or [batch, 1, heads e] with last_only; w [m, e]
Tensor favor_by_pairs(const Tensor& x, const Tensor& w, const Angles& by, int64_t heads, bool causal, bool last_only);
// The same in chunks, with Σ φ(k) vᵀ and Σ φ(k) carried from chunk to chunk. Memory is linear in time, because the backward pass
// computes features again.
// Shapes: q [batch, heads, time or 1, e], k, v [batch, heads, time, e] -> as q
Tensor favor_by_chunks(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& w, bool causal);

}  // namespace lvm
