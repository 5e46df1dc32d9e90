#pragma once
#include "rotary.h"

namespace lvm {

// φ(x) = m^−½ (exp(s W x − s² |x|² / 2 − M) + ε) with s = e^−¼: positive random features, whose products estimate exp(q·k / √e).
// M is the largest s W x: of one query, but of all keys together. It is a constant to the gradients.
constexpr double feature_floor = 1e-4;      // ε
constexpr double denominator_floor = 1e-6;  // of a causal form: times Σ φ(q), added to the sum of the weights

// y_t = Σ_s φ(q_t)·φ(k_s) v_s / Σ_s φ(q_t)·φ(k_s), over s ≤ t when causal. Two forms of one function:
// every pair of positions, in one pass over the features, on the CPU, rotating queries and keys by `by` on the way;
// Shapes: x [batch, time, 3 heads e] -> [batch, time, heads e], or [batch, 1, heads e] with last_only; w [m, e]
Tensor favor_by_pairs(const Tensor& x, const Tensor& w, const Angles& by, int64_t heads, bool causal, bool last_only);
// chunk by chunk, with Σ φ(k) vᵀ and Σ φ(k) carried on: memory grows linearly, since the backward pass computes features again.
// Shapes: q [batch, heads, time or 1, e], k, v [batch, heads, time, e] -> as q
Tensor favor_by_chunks(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& w, bool causal);

}  // namespace lvm
