#pragma once
#include "../torch.h"

namespace lvm {

using torch::Tensor;

// σ(r) · wkv, where wkv_t = (Σ_{i<t} e^{(t−1−i) w + k_i} v_i + e^{u + k_t} v_t) / (the same without v). Every channel has its own
// w = −exp(decay) and u = first. Computes in float32 or float64; memory is linear in time.
// Shapes: k, v [batch, time, d], r [batch, rows, d] for the last positions, decay, first [d] -> as r
Tensor wkv(const Tensor& k, const Tensor& v, const Tensor& r, const Tensor& decay, const Tensor& first);

// The same step by step, from the sums [p, q, o] so far, which are updated; empty at the start.
Tensor wkv_steps(const Tensor& k, const Tensor& v, const Tensor& r, const Tensor& decay, const Tensor& first,
                 std::vector<Tensor>& sums);

}  // namespace lvm
